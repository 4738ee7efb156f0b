import type { Subject } from '../set.ts'

export const support: Subject = {
  documents: {
    hours: [
      'When support is there',
      "The desk answers on working days from 8 to 18 o'clock, in German, English and Swedish. Customers with the plan Premium have a number that is answered at night and on weekends too, for severity 1 only. On public holidays of Bavaria there is the night service alone.",
      'How fast: First answers come within 30 minutes for severity 1, two hours for 2, one working day for 3 and three days for 4. The clock stands still while we wait for the customer. Answers by a machine do not count.',
    ],
    severity: [
      'Severity of a ticket',
      'Severity 1: nothing works, or data goes missing. 2: something important fails and there is no way around it. 3: it fails but there is a way around it. 4: a question or a wish. The customer says which, and we may talk about it with them; we do not change it silently.',
    ],
    escalation: [
      'Handing a ticket up',
      'The first line tries for 45 minutes, then the ticket goes to the second line with what was tried, logs and the number of the device. The second line can ask the engineer on duty. Nobody sends a customer from one to the other: the one who began stays their contact.',
      'When a customer is angry: Offer a call on the same day by the lead of support. If they speak of cancelling, the account manager is told within the hour. Do not promise money or dates; write down what they want and who will decide it.',
    ],
    offline: [
      'A sensor does not report',
      'First look at the lamp: green blinking is searching, red steady is an empty battery, no light is no power. Press the button for three seconds; the sensor starts anew and should be there within two minutes. If not, the gateway may be too far away: 80 metres through air, 25 through two walls.',
      "Many sensors at once: Then it is nearly always the gateway or the customer's firewall. The gateway needs port 8883 outwards to mqtt.fernhill.example. Ask for the page Status of the gateway; a clock that is wrong by more than five minutes has the same effect.",
    ],
    calibration: [
      'Readings that are off',
      'A new sensor needs 48 hours until its readings are steady. After that CO2 is put right by itself once a week, if the room has been aired at least once. Where windows never open, switch this off and calibrate by hand with fresh air, under Device, Service, Calibrate.',
      'Limits of accuracy: Temperature is right to 0.3 degrees, humidity to 3 percent, CO2 to 50 ppm. Two sensors side by side can so differ by 100 ppm without a fault. In direct sun or over a heater no reading means anything.',
    ],
    battery: [
      'Batteries',
      'Aerolite sensors take two AA lithium cells, which last about four years when measuring every ten minutes, and ten months when measuring every minute. Rechargeable cells do not work, since their voltage is too low. The app warns at fifteen percent, some six weeks before the end.',
      'Changing them: Turn the cover to the left, take out both cells at once, wait ten seconds and put new ones in. The sensor keeps its place in the plan and its readings. Old cells go to a collecting point.',
    ],
    returns: [
      'Sending devices back',
      'A device that is broken is exchanged under warranty for 36 months. We send the new one first, with a label for the old. Ask for an RMA number under Devices, Exchange; parcels without one lie about in the warehouse for weeks. Water in the case and opened screws are not covered.',
      'Not needed after all: Unused devices in their box are taken back within 30 days of delivery. The customer pays the postage, and we keep ten percent for checking them. After that there is no way back, but we help to find another project.',
    ],
    passwordreset: [
      'A customer cannot sign in',
      'Send them to Forgot password; the link in the mail lives for 20 minutes. After ten wrong tries the account is locked for a quarter of an hour, and we cannot shorten that. If the company signs in through its own identity provider, their own IT must help: we have no password of theirs.',
      "Second factor lost: An admin of the customer can take it off under People. If there is no admin left, we need a letter on the company's paper, signed by somebody in the commercial register, and call back the number on their website. It takes two days and has no short cut.",
    ],
    exports: [
      'Getting data out',
      'Under Reports, Export, customers get their readings as CSV or Parquet, a year at most for each file. It is made in the background and a link comes by mail, which lives for seven days. For more, there is the API with the endpoint /v2/readings, 600 requests a minute.',
    ],
    statuspage: [
      'The status page',
      'At status.fernhill.example we say what does not work. The engineer on duty writes the first line within 15 minutes after a severity 1 begins, and then every 30 minutes, also if there is nothing new. Customers can subscribe by mail or RSS. Planned work is announced five days ahead.',
      'Afterwards: Three days after it is over a text for customers stands there that says what broke and what we change. Premium customers get it by mail from their own contact.',
    ],
    alerts: [
      'Warnings that customers set up',
      'A warning has a reading, a limit, how long it must last and whom it tells: mail, text message, webhook. So that one does not ring every minute, it is quiet for an hour after it has rung. Text messages cost 9 cents beyond the first hundred of a month.',
      'No warning came: Look under Warnings, History. If it stands there, the message went out: have a look at spam. If not, the reading did not stay over the limit for long enough, or the sensor was silent; a warning for silence has to be set up on its own.',
    ],
    errors: [
      'Codes in the app',
      'E-101: the gateway does not know the sensor, pair it again. E-117: the firmware is too old, let it update overnight. E-204: the clock is wrong. E-230: the plan of the customer has no more places for devices. E-409: two people changed the same thing, load the page anew.',
    ],
    feedback: [
      'What customers say about us',
      'After a ticket is closed, one of three customers gets a question with a scale from one to five. Marks of one or two are read by the lead of support the same day, who writes to the customer. The figure for a month is shown in the hall; the aim is 4.5.',
    ],
    macros: [
      'Texts that we send often',
      "Ready-made texts lie in the ticket tool under Snippets. They begin with the problem in the customer's own words and end with one clear next step. Read them before you send them. Whoever finds one out of date corrects it at once and tells the channel.",
    ],
  },
  questions: [
    ['words', 'is support there at night and on weekends', 'hours'],
    ['meaning', 'what is our response time for the most critical cases', 'hours'],
    ['words', 'what is severity 2', 'severity'],
    ['meaning', 'furious client threatens to terminate, how should I react', 'escalation'],
    ['words', 'when does a ticket go to the second line', 'escalation'],
    ['meaning', 'device stopped transmitting values, how can I restart it', 'offline'],
    ['name', 'port 8883', 'offline'],
    ['sloppy', 'sensor red light stedy', 'offline'],
    ['meaning', 'carbon dioxide values look wrong in a room without windows', 'calibration'],
    ['words', 'accuracy of temperature and humidity', 'calibration'],
    ['sloppy', 'bateries AA recharchable', 'battery'],
    ['meaning', 'how many years until I must replace the cells', 'battery'],
    ['name', 'RMA number', 'returns'],
    ['meaning', 'purchaser changed their mind and wants to give unopened goods back', 'returns'],
    ['meaning', 'account blocked after too many failed login attempts', 'passwordreset'],
    ['name', '/v2/readings', 'exports'],
    ['meaning', "download last year's measurements as a spreadsheet", 'exports'],
    ['words', 'how often is the status page updated during an outage of severity 1', 'statuspage'],
    ['meaning', 'the alarm never reached the user', 'alerts'],
    ['name', 'E-204', 'errors'],
    ['name', 'what does E-117 mean', 'errors'],
    ['sloppy', 'custmer satisfaction score after ticket closed', 'feedback'],
    ['meaning', 'canned replies, where are they', 'macros'],
  ],
}
