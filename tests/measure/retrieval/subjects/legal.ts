import type { Subject } from '../set.ts'

export const legal: Subject = {
  documents: {
    contracts: [
      'Who signs contracts',
      'A contract binds us when two people from the list of signatories have signed it; one alone may sign up to 5,000 euros. The list is on the page LEG-01. A mail that says we agree can bind us too, so write subject to contract when you negotiate.',
      'Where they are kept: Every signed contract is uploaded to Archivum on the same day, with its end date and its notice period. Ninety days before it renews itself, Archivum writes to the owner. Paper originals lie in the fireproof cabinet on the fourth floor.',
    ],
    nda: [
      'Confidentiality agreements',
      'Before you show plans, prices or unreleased devices to somebody outside, sign our own agreement, template LEG-10, which works in both directions and lasts three years. Theirs has to be read by the lawyers, which takes two days. Nobody needs one for what is on the website.',
    ],
    gdpr: [
      'When a person asks for their data',
      'Anybody may ask what we know about them and have it corrected or erased. Requests come in many forms, also by phone to the wrong person; send each to the data protection officer, Ines Kowalczyk, on the same day. We have one month to answer. Check who is asking before anything is handed over.',
      'Erasing: What the tax office wants to see stays, locked away, until its ten years are over. Backups forget within 35 days by themselves. The request is noted with a number and without the name, so that we can show that we did it.',
    ],
    processing: [
      'Data that we handle for customers',
      'For readings and accounts of customers we are the processor and they decide. The agreement about it, LEG-22, is part of each contract. We use 9 subcontractors, listed on the website; a new one is announced 30 days ahead, and the customer may object.',
      'Places: The data lies in Frankfurt and Dublin. Nobody outside of the European Union looks at it, with the exception of support for the Americas, who see it through a remote screen with a contract based on the standard clauses.',
    ],
    retention: [
      'How long we keep things',
      'Applications are deleted six months after the answer, files about staff three years after they left, accounts of customers 60 days after the contract has ended. Recordings of the door cameras go after 72 hours. What may matter in a lawsuit is put on hold by the lawyers and then nobody deletes it.',
    ],
    openSource: [
      'Giving away our code',
      "You may contribute to open source in working time if it helps our work. Repairs need nobody's leave. A new project of ours needs the head of engineering and a look by the lawyers; it is published under Apache 2.0 in the company's account. Sign no contributor agreement in the company's name by yourself.",
    ],
    inventions: [
      'Inventions',
      'Who invents something at work tells the lawyers with form LEG-40, before anybody outside has heard of it: a talk or a post can make a patent impossible. They decide within four months whether we apply. The inventor gets 500 euros with the application and a share if it earns money.',
      'Our patents: We own eleven families, of which the most important is about saving battery while listening for a gateway (EP 3 914 227). Before a new device is built, engineering has a search made for patents of others.',
    ],
    trademarks: [
      'Our names and marks',
      'Fernhill and Aerolite are registered in the Union, in Britain, Switzerland and the United States. Write them without a plural and not as a verb. If you see somebody using them for something else, send a picture to the lawyers and do not write to them yourself.',
    ],
    gifts: [
      'Presents and favours',
      'You may take and give what is worth up to 35 euros, twice a year for the same person. Money and vouchers never, not even a little. What cannot be refused politely is handed to the reception and raffled in December. Everything over 20 euros is written into the register of presents.',
      'Officials: For everybody who works for a state, a city or a public hospital the limit is nought, except for coffee and a pen. This holds also if in their country it is usual.',
    ],
    conflicts: [
      'When your interests collide',
      'Tell your lead and compliance if you, your partner or family have a stake in a supplier, a customer or a competitor, or if you are to decide about a relative. Mostly it is enough that somebody else decides. A second job needs our leave, which we refuse only for good reasons.',
    ],
    speakup: [
      'Reporting wrongdoing',
      'Whoever sees that laws are broken can report it under the page Speak Up, also without a name. It goes to a law firm outside, Ekholm Vance, who pass on what you wish. You hear within seven days that it has come, and within three months what was done. Punishing somebody for a report is forbidden.',
    ],
    export: [
      'Goods that need a licence abroad',
      'Our radio modules with strong encryption fall under 5A002. Into most countries they may go without asking; for those on list K the office BAFA has to agree first, which takes eight weeks. Before a delivery to a new country the warehouse asks the lawyers. Names of buyers are compared with the sanctions lists every night.',
    ],
    competition: [
      'Talking with competitors',
      'Never about prices, discounts, customers, bids or who sells where: not at a fair, not at the bar, not in an association. If somebody begins, say that you do not want to hear it, leave the room, and write it to the lawyers the same day. Fines can reach ten percent of the turnover.',
      'Meetings of associations: Go only when there is an agenda, and stay with it. The minutes must name who was there. The lawyers have a list of associations that have been checked.',
    ],
    terms: [
      'Liability in our terms',
      'Our general terms, version 7 of January 2026, limit what we owe to the fees of twelve months, except for intent, for injuries and where the law does not allow it. Sales may not go above it. A customer who wants a higher cap pays for the insurance that covers it, and the management agrees.',
      "Other people's terms: Purchase terms of a customer are not accepted by silence. Answer an order that carries them with our own confirmation, and send them to the lawyers if the customer insists.",
    ],
  },
  questions: [
    ['words', 'who may sign a contract', 'contracts'],
    ['meaning', 'where can I find the executed agreement with a vendor', 'contracts'],
    ['name', 'LEG-10', 'nda'],
    ['meaning', 'I want to demonstrate an unannounced product to a prospect', 'nda'],
    ['meaning', 'somebody wants all their personal information deleted', 'gdpr'],
    ['name', 'Ines Kowalczyk', 'gdpr'],
    ['words', 'in which places does the data of customers lie', 'processing'],
    ['sloppy', 'new subcontracter announce how many days', 'processing'],
    ['meaning', 'when do we purge rejected job applications', 'retention'],
    ['words', 'recordings of the door cameras', 'retention'],
    ['meaning', 'am I allowed to publish a library on GitHub', 'openSource'],
    ['meaning', 'I had an idea that could be patented, what must I do', 'inventions'],
    ['name', 'EP 3 914 227', 'inventions'],
    ['sloppy', 'trade mark missuse seen who to tell', 'trademarks'],
    ['meaning', 'a supplier sent me a bottle of wine for christmas', 'gifts'],
    ['words', 'presents for officials', 'gifts'],
    ['meaning', 'my wife works at a firm that bids for our order', 'conflicts'],
    ['meaning', 'anonymous whistleblowing', 'speakup'],
    ['name', '5A002', 'export'],
    ['words', 'talking with competitors about prices', 'competition'],
    ['sloppy', 'liablity cap terms twelve month fees', 'terms'],
    ['meaning', 'can sales agree to a higher ceiling for damages', 'terms'],
  ],
}
