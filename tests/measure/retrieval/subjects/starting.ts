import type { Subject } from '../set.ts'

export const starting: Subject = {
  documents: {
    firstday: [
      'Your first day',
      'Come at nine to the reception, where somebody of your team waits. You get badge, laptop and the two hardware keys, and set them up together with the service desk. At noon the team has lunch with you. In the afternoon the round through the house, which ends in production, so wear closed shoes.',
      'Bring with you: Your tax number, the card of your health insurer, the number of your bank account and a certificate about school or university. HR copies what is needed. What is missing can be handed in until the end of the first week.',
    ],
    buddy: [
      'Your companion',
      'Somebody who is not your lead is at your side for the first three months. Ask them what you do not dare to ask others: where one eats, who decides, what that abbreviation means. You meet every week for half an hour. For them it counts as work, and once a quarter we invite all of them to dinner.',
    ],
    plan: [
      'The first ninety days',
      'In the first month you learn: people, tools, customers; you spend a day in support and one in production. In the second you work on something small that is finished. In the third you own something. On day 30, 60 and 90 you and your lead talk about it, with the sheet ON-3.',
    ],
    mandatory: [
      'Courses that everybody must take',
      'Within two weeks: fire and first aid (30 minutes), protection of data (45), security (40). Once a year they are refreshed in the learning portal Skola. Who has not done them in time gets two reminders, and then their lead gets one. Drivers and those in production have more.',
    ],
    glossary: [
      'Words you will hear',
      'HUB: the web application. G2: the gateway. RMA: a number for what comes back. Suitcase: ten sensors to try out. Lake: a meeting room. Friday cake: what it says, at three, in the kitchen on the second floor. Sluice: the tool that lends rights. PO: an order.',
    ],
    structure: [
      'Who we are',
      'Fernhill was founded in 2011 by Sigrid Aune and Paul Mbeki in a garage in Freising, after a class of pupils had fallen asleep on them. Today we are 210 people in Munich, Dublin and Stockholm. Sigrid runs the company, Paul the research. Nobody has more than two leads above them.',
      "Who decides what: What can be undone is decided by the one who does the work. What cannot is decided by the department's head, and above 250,000 euros by the management of five, which meets on Monday mornings. Their minutes can be read by all.",
    ],
    allhands: [
      'When all meet',
      'On the first Thursday of a month at four everybody meets in the hall or by video: figures, one team shows its work, questions. Questions may be asked without a name beforehand. It is recorded for those who are away. Twice a year we travel somewhere together for two days, with children in summer.',
    ],
    values: [
      'What matters to us',
      'Say what is. Finish things. Leave it better. Be kind. When two of them pull in different ways, the first one wins. We wrote them down in 2015 and have not needed a fifth. If you see somebody high up break one, say so; that is how they stay alive.',
    ],
    worktime: [
      'Hours of work',
      'A full week has 38 hours. You come and go as you like between six and ten at night, but are there for the team between ten and three. Hours are written down by yourself each day in the HR portal. More than ten hours a day, or fewer than eleven between two days, is against the law.',
      'Overtime: Hours that were agreed with your lead are made up for by free time within three months, or paid at 125 percent in production. A balance of more than 40 hours is brought down with a plan. On Sundays only those on duty work.',
    ],
    address: [
      'Telling us what has changed',
      "A new address, a new bank account, marriage, a child: change it in the HR portal under My data by the tenth, and it counts for this month's pay. For a new name we also need the paper from the register office. Your emergency contact is seen by the reception and first-aiders only.",
    ],
    dress: [
      'What to wear',
      'Wear what you like. With customers look roughly like them. In production closed shoes, no rings, long hair tied; in the lab goggles. Shoes with steel caps are paid for, up to 120 euros every two years. Nobody comments on the body or the clothes of others.',
    ],
    languages: [
      'Which language we speak',
      'We speak what all in the room understand, which is English as soon as one person does not know German. What is written for all is in English; notices about safety hang in German, English and Polish. Courses in German are free, twice a week at eight, at three levels.',
    ],
  },
  questions: [
    ['words', 'what must I bring on my first day', 'firstday'],
    ['meaning', 'who is my mentor in the beginning', 'buddy'],
    ['name', 'ON-3', 'plan'],
    ['meaning', 'obligatory e-learning', 'mandatory'],
    ['name', 'Skola', 'mandatory'],
    ['words', 'who founded Fernhill', 'structure'],
    ['meaning', 'which approvals are required for an investment of half a million', 'structure'],
    ['sloppy', 'monthly meting all employes when', 'allhands'],
    ['words', 'how many hours has a full week', 'worktime'],
    ['meaning', 'are extra hours compensated', 'worktime'],
    ['meaning', 'I got married and have another surname now', 'address'],
    ['sloppy', 'steal cap shoes payed', 'dress'],
    ['words', 'courses in German', 'languages', 'hr/training'],
  ],
}
