import type { Subject } from '../set.ts'

export const sales: Subject = {
  documents: {
    discounts: [
      'Discounts',
      'You may give ten percent by yourself, the head of sales up to twenty, more only with finance. A discount is given for something: a longer term, payment in advance, a reference. Schools and charities have fifteen percent without asking. Discounts on hardware and on the subscription are shown apart.',
      "Quarter's end: Nothing gets cheaper because a quarter ends. Customers learn it and wait. Whoever wants to give away more in the last week needs the same approvals as in any other.",
    ],
    pipeline: [
      'Stages of a deal',
      'There are five: contact, need understood, trial, offer, agreed. A deal moves on when the customer has done something, not when we have. What has not moved for 60 days is closed as lost, with a reason. Entries are made in the system Trado by the end of the day.',
    ],
    trials: [
      'Trying it out',
      'A customer can have a suitcase with ten sensors and a gateway for six weeks, for nothing. The form TR-3 says what success would be; without it no suitcase goes out. A week before the end we look at the readings together. What does not come back is billed at the price of the list.',
      'Longer ones: Pilots of more than six weeks or more than ten sensors cost half, which is taken off when the customer buys. They need a contact on the other side who may decide.',
    ],
    offers: [
      'Writing an offer',
      'Offers are made from the template in Trado and hold for 30 days. They name the number of sensors by building, the plan, the term, setting up and who does what. The price comes on page two, after what the customer wants to reach. Have every offer above 25,000 euros read by a colleague.',
    ],
    tenders: [
      'Public tenders',
      'We take part if we knew of it before it was published or if three of five criteria on the sheet are met. The bid team has five people and needs ten working days. Questions are asked through the platform only. Bids are handed in a day before the end, because the platforms fall over.',
      'After a decision: Ask the office for the marks that we got and those of the winner, which they must give. A complaint can be made within ten days; the lawyers decide whether it is worth it.',
    ],
    partners: [
      'Partners who sell for us',
      'Installers and firms for building control buy at 25 percent off and set up themselves. Gold partners, who sell more than 400 sensors a year and have two trained people, get 32. A deal that a partner registers is theirs for 90 days; we do not go behind their back.',
      'Training for them: Two days in Freising, four times a year, the second one in the lab. The certificate is valid for two years. Bed and board are ours, the way there is theirs.',
    ],
    commission: [
      'Commission',
      "Account managers earn six percent of the first year's fees and two percent of hardware, paid in the month after the customer has paid. Above the target it is nine percent. If a customer leaves within twelve months, half is taken back. Splits between two people are agreed before the offer goes out.",
    ],
    renewals: [
      'Renewals',
      'Contracts run for one or three years and renew themselves by a year unless they are ended 60 days before. Four months ahead the account manager talks with the customer: what was used, what was not, what is new. Prices rise with the index of consumer prices, four percent at most.',
      'When they want to leave: Ask why, and listen. There is a rescue offer of three months at half price, once. Their data stays for 60 days after the end and may be exported. A friendly goodbye has brought eleven customers back so far.',
    ],
    references: [
      'References and case stories',
      'Customers who speak for us are on a list with what they like to be asked about, and are not asked more than four times a year. A story in public needs their written consent, with logo and quotes. For it they get a month free of charge. The library in Malmö is the best one for schools.',
    ],
    territories: [
      'Who looks after whom',
      "The north and Scandinavia are Lotte Brandvik's, the south, Austria and Switzerland Emre Aksoy's, everything else in Europe is looked after by the team in Dublin. Public customers go to Henrike Maas wherever they are. Leads from the website are given out by postcode within two hours.",
    ],
    calls: [
      'First calls',
      'Prepare for ten minutes: building, number of people, who decides. Let them talk for two thirds of the time. Good questions: what made you look for it now? What happens if nothing changes? End with one next step and a date in the calendar. Notes go to Trado while you remember them.',
    ],
    competitors: [
      'How we differ from others',
      'Airhoop is cheaper by a third but needs wall power and knows no plans of floors. Klimatek measures better in laboratories, costs twice as much and takes three months to deliver. Nobody else promises repairs for eight years. Never run others down; say what fits whom, and name what we cannot do.',
    ],
    pricing: [
      'Prices next year',
      'From January 2027 the Aerolite 300 costs 155 euros and the 500 costs 399. Subscriptions stay as they are. Offers from before keep their price for their 30 days. Partners know it since October, customers with more than 200 sensors get a call, everybody else a mail on the first of December.',
    ],
    forecast: [
      'The forecast of sales',
      'On Thursdays by noon you say for each deal of this quarter whether it comes: sure, likely, possible. Sure ones count fully, likely ones half. Two quarters in a row that were off by more than a quarter mean a talk about how you judge, not about how you sell.',
    ],
  },
  questions: [
    ['words', 'how much discount may I give by myself', 'discounts'],
    ['meaning', 'rebate for a nonprofit or a school', 'discounts'],
    ['words', 'five stages of a deal', 'pipeline'],
    ['name', 'Trado', 'pipeline', 'offers', 'calls'],
    ['meaning', 'can a prospect evaluate the sensors before purchase', 'trials'],
    ['name', 'TR-3', 'trials'],
    ['sloppy', 'pilot longer then six weeks costs haf', 'trials'],
    ['words', 'how long does an offer hold', 'offers'],
    ['meaning', 'do we compete for government procurement', 'tenders'],
    ['words', 'what do gold partners get', 'partners'],
    ['meaning', 'course for resellers, who pays the hotel', 'partners'],
    ['meaning', 'what share of a sale do I earn', 'commission'],
    ['sloppy', 'comission taken back customer leaves', 'commission'],
    ['meaning', 'the client intends to terminate the agreement, is there something we can propose', 'renewals'],
    ['words', 'when do contracts renew themselves', 'renewals'],
    ['meaning', "may we print a client's brand in an article", 'references'],
    ['name', 'Henrike Maas', 'territories'],
    ['meaning', 'who is responsible for prospects in Norway', 'territories'],
    ['words', 'good questions for a first call', 'calls'],
    ['name', 'Klimatek', 'competitors'],
    ['sloppy', 'aerolite 300 prise 2027', 'pricing'],
    ['meaning', 'weekly estimate of revenue, when is it due', 'forecast'],
  ],
}
