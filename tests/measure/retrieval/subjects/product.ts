import type { Subject } from '../set.ts'

export const product: Subject = {
  documents: {
    aerolite300: [
      'Aerolite 300',
      'The Aerolite 300 measures temperature, humidity, CO2 and noise, is as big as a slice of toast and sticks to a wall without drilling. Two AA lithium cells last four years. It speaks LoRa at 868 MHz to a gateway and is meant for offices and classrooms. Its price on the list is 149 euros.',
      'In the box: The sensor, two cells, two adhesive pads, a screw for doubtful walls and a leaflet in eleven languages. The holder for ceilings, part number AL-3-CB, is bought on its own.',
    ],
    aerolite500: [
      'Aerolite 500',
      'The Aerolite 500 is for halls and laboratories: in addition to what the 300 does it measures fine dust (PM2.5), vapours of solvents (TVOC) and pressure. A small fan draws the air through, so it wants power over Ethernet or from a USB-C supply. 389 euros.',
      'Cleaning: The filter in front of the fan is changed once a year, every three months where wood or flour is worked. The app reminds you. A new one, AL-5-FL, costs 12 euros and is turned in without tools.',
    ],
    soilprobe: [
      'Terrano soil probe',
      'Terrano is a spear of 40 centimetres that measures moisture at three depths, the temperature of the soil and salt. It is made for parks, sports grounds and fruit growers. The cell is built in and lasts seven years; after that the whole probe comes back to us and is recycled.',
      'Putting it in: Make a hole with the steel rod, pour in some mud, push the probe down to the green ring. The first three days do not count. Mowers may drive over it with the flat lid on.',
    ],
    gateway: [
      'Gateway G2',
      'One G2 serves up to 250 sensors and keeps seven days of readings when the internet is away, which it sends on later. It has Ethernet, and LTE with a SIM card of your own in the version G2-C. Hang it high and in the middle, not in a metal cabinet.',
      'Setting it up: Plug it in, wait for the white lamp, scan the square code on its back with the app. With a proxy or a fixed address use the page at http://g2.local, whose password is on the sticker. Updates come at night between two and four.',
    ],
    hub: [
      'Fernhill Hub',
      "The Hub is the web application in which customers see their buildings: plans of the floors with readings, curves, reports and warnings. It runs with us in the cloud; there is no version for the customer's own machines. It is in nine languages and works on phones down to 320 pixels wide.",
      'Roles: Viewers see, editors move sensors and write reports, admins invite people and pay. Rights may be given for one building or one floor. An outside firm, such as a caretaker, can be let in for a limited time.',
    ],
    plans: [
      'Plans and what is in them',
      'Basic costs 2 euros for each sensor and month, with a year of history and mail warnings. Plus costs 3.50, with ten years, the API, webhooks and single sign-on. Premium costs 6 and adds a contact of your own, nights and weekends, and 99.9 percent promised in writing. From 500 sensors on we make an offer.',
    ],
    integrations: [
      'What the Hub can be joined with',
      'Out of the box: BACnet/IP through the gateway, Microsoft Teams, Slack, Grafana and ServiceNow. Everything else goes through webhooks and the API. A webhook carries a signature in the header X-Fernhill-Signature, and is tried again for a day when your side does not answer.',
      'Building control: Through BACnet the ventilation can follow CO2 room by room. We read and do not switch; what opens a flap is your controller. The list of objects is in the paper AN-12.',
    ],
    reports: [
      'Reports about air',
      'The report for works councils shows on one page per room how often a limit was passed in working hours, by the rules of ASR A3.6. Another one counts what opening windows too long costs in heating. Reports are sent as PDF on the first of the month to whom you wish.',
    ],
    roadmap: [
      'What comes next',
      'In spring 2027 come plans of floors in 3D and a sensor that counts people without a camera. In summer the battery of the 300 can be predicted to the week. We say quarters, not days, and nothing on this page is promised; sales must not sell it before it is there.',
      'Dropped: The app for watches was stopped in May 2026, since 31 people used it. Control of blinds will not be made; partners do that better.',
    ],
    research: [
      'Talking with those who use it',
      'Every two weeks product and design watch three customers at work for an hour each. They get a voucher of 50 euros. Recordings are kept for a year and only seen inside. Questions are open ones; we do not ask whether somebody would buy a thing.',
    ],
    accessibility: [
      'Usable by everybody',
      'The Hub follows WCAG 2.2 at level AA. Everything works with the keyboard, colours of curves can be told apart by people who do not see red and green, and each curve has a table for screen readers. Twice a year blind testers of the firm Sehnix go through the ten most used pages.',
    ],
    radio: [
      'How far the radio reaches',
      'Through air 2 kilometres outside, 80 metres inside, 25 metres through two walls of brick. Reinforced concrete, lifts and coated panes cost most. Plan one gateway per floor and 1,500 square metres, and measure with the suitcase before you promise anything. Two gateways may hear one sensor; the better one counts.',
    ],
    privacy: [
      'Does it listen?',
      'The microphone of the Aerolite turns noise into one figure in decibels every ten seconds, inside the chip. No sound is stored or sent, and speech cannot be made from it. An expert has confirmed this; the opinion is DOC-88 and may be given to works councils.',
    ],
    lifecycle: [
      'How long products are looked after',
      'A device is sold for at least four years, gets new features for five and repairs of security holes for eight years after its last sale. The Aerolite 100 is no longer sold since 2023. Old devices are taken back for free and half of the plastic becomes new cases.',
    ],
  },
  questions: [
    ['words', 'what does the Aerolite 300 measure', 'aerolite300'],
    ['name', 'AL-3-CB', 'aerolite300'],
    ['meaning', 'which device detects fine particles and solvent fumes', 'aerolite500'],
    ['meaning', 'how frequently must I replace the filter', 'aerolite500'],
    ['sloppy', 'moisure probe for sport grounds', 'soilprobe'],
    ['name', 'G2-C', 'gateway'],
    ['meaning', 'are measurements lost when the network connection is down', 'gateway'],
    ['words', 'setting up a gateway with a proxy', 'gateway'],
    ['meaning', 'can we host the Hub on our own servers', 'hub'],
    ['words', 'give rights for one building', 'hub'],
    ['meaning', 'which subscription includes the API and SSO', 'plans'],
    ['meaning', 'what is the uptime guarantee of the most expensive tier', 'plans'],
    ['name', 'X-Fernhill-Signature', 'integrations'],
    ['name', 'BACnet AN-12', 'integrations'],
    ['meaning', 'monthly document about indoor climate for employee representatives', 'reports'],
    ['words', 'when does the sensor that counts people come', 'roadmap'],
    ['sloppy', 'smart wach app stoped', 'roadmap'],
    ['meaning', 'interviews with users, do they receive a present', 'research'],
    ['meaning', 'can someone who is colour-blind use the charts', 'accessibility'],
    ['words', 'how far does the radio reach through brick walls', 'radio', 'support/offline'],
    ['meaning', 'does the sensor record conversations', 'privacy'],
    ['name', 'DOC-88', 'privacy'],
    ['meaning', 'how long will I receive security patches for a device', 'lifecycle'],
  ],
}
