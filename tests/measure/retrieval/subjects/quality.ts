import type { Subject } from '../set.ts'

export const quality: Subject = {
  documents: {
    ce: [
      'Marks on our devices',
      'Every radio device carries CE, and UKCA for Britain. Behind it stand measurements of radio, of safety and of disturbance by a laboratory, now Elmitest in Brno. A change of board, aerial or housing means measuring anew, which takes five weeks and some 14,000 euros. The declarations are on the website for ten years.',
      'America: For the United States and Canada there is the version with 915 MHz, whose marks are FCC ID 2AXFH-A3 and IC 26811-A3. It must not be sold elsewhere, nor the European one there.',
    ],
    iso: [
      'Our certificates',
      'We hold ISO 9001 for quality, ISO 14001 for the environment and ISO 27001 for the security of information. Someone from the certifier comes each June for four days. Tell them the truth, show them what they ask for, and say so when you do not know. The certificates are renewed in 2028.',
      'Checks by ourselves: Trained colleagues look at each department once in two years, for half a day. What they find is closed within two months. Nobody checks their own department.',
    ],
    complaints: [
      'When a device fails at a customer',
      'From the third failure of one kind in a month the quality team opens a case: pictures, lots, firmware, place. They stop deliveries of that lot if somebody might be hurt. Within ten days there is a cause or a plan for finding it, in the form 8D, and the customer gets a copy.',
      'Recalls: Only the management and the head of quality together recall a product. The authority is told the same day, customers within three. In 2022 we recalled 1,100 power supplies, which got hot; nobody came to harm.',
    ],
    documents: [
      'Instructions and who may change them',
      'Work instructions carry a number, a version and a name. What hangs at a machine is the printed version with the green stamp; all else is only for information. Changes are proposed by anybody, tried by the foreman and released by quality. Old versions are kept for ten years.',
    ],
    gauges: [
      'Measuring tools',
      'Calipers, scales and meters have a sticker with the month in which they must be checked. One that is out of date goes into the drawer, not into the hand. Our CO2 reference is sent to the institute in Braunschweig once a year; without it no sensor leaves the house.',
    ],
    eightd: [
      'Improving',
      'Everybody can hand in an idea with a card at the board. Each Thursday the team chooses one and tries it the week after. For what saves money there is a tenth of the saving of a year, 3,000 euros at most. Last year 141 ideas came, and 64 were carried out.',
    ],
    environment: [
      'The environment',
      'Since 2024 the power comes from the wind and the heat from the neighbouring bakery. The roof makes a fifth of what we use in summer. Waste per device has fallen from 210 to 90 grams. Each year in May a report shows all of it, good or bad, to everybody.',
      'Substances: Lead, mercury and some softeners are forbidden in our parts. Makers sign for it (RoHS, REACH), and once a year we have ten parts tested. New substances on the list mean a letter to customers within 45 days.',
    ],
    labtests: [
      'What devices must bear',
      'Before a new device is sold, thirty of them go through 1,000 hours at 85 degrees and 85 percent humidity, fall twenty times from one metre onto concrete, and are shaken for a day. At most one may fail. The report is numbered QL and kept as long as the device lives.',
    ],
    traceability: [
      'Which part is in which device',
      'The number on the back (two letters, eight digits) leads to the day, the line, the lots of board and cells, the firmware and the readings of the final test. The label can be scanned with the app Spur. With it we know within ten minutes who has devices of a certain lot.',
    ],
    training: [
      'Who may do which work',
      'For each workplace in production there is a line in the matrix: learning, able, may teach. Nobody works alone at a place where they are still learning. Soldering by hand needs the certificate IPC-A-610, which is renewed every two years at our cost.',
    ],
  },
  questions: [
    ['name', '2AXFH-A3', 'ce'],
    ['meaning', 'do we have to certify again after changing the antenna', 'ce'],
    ['words', 'which ISO certificates do we hold', 'iso'],
    ['meaning', 'who can decide to take a dangerous product back from the market', 'complaints'],
    ['sloppy', '8D form custmer failure', 'complaints'],
    ['words', 'printed version with the green stamp', 'documents'],
    ['meaning', 'how often are instruments verified', 'gauges'],
    ['meaning', 'reward for suggestions by employees', 'eightd'],
    ['words', 'where does our power come from', 'environment'],
    ['name', 'RoHS REACH', 'environment'],
    ['meaning', 'drop testing of hardware before launch', 'labtests'],
    ['sloppy', 'find devices with certian lot spur app', 'traceability'],
    ['name', 'IPC-A-610', 'training'],
  ],
}
