import type { Subject } from '../set.ts'

export const finance: Subject = {
  documents: {
    expenses: [
      'Getting your money back',
      'What you paid for work from your own pocket you hand in within 30 days in the tool Kvitto, with a photo of the receipt. Your lead agrees, and it comes with the next salary. Under 15 euros a note without a receipt is enough, five times a month at most.',
      'What is not refunded: Fines, drinks at the bar, seats in first class, and anything that was bought for private use as well. If you are not sure, ask finance before and not after.',
    ],
    cards: [
      'Company credit cards',
      'Whoever spends more than 300 euros a month for work can have a card of the company. The limit is 2,000 euros a month; a higher one needs the head of finance. Every charge must have its receipt by the third working day of the next month, or the card is paused.',
      'Card lost or misused: Block it in the app of the bank at once, then write to finance. Taking out cash is switched off. Private purchases are not allowed, not even when they are paid back the same day.',
    ],
    invoices: [
      'Invoices that we get',
      'Suppliers send invoices as a PDF or as XRechnung to the mailbox of accounts payable. An invoice must carry the number of our order (PO-), or it goes back. Whoever ordered confirms within five days that the goods are here, and we pay 30 days after the date of the invoice.',
      'Urgent payments: Payment runs are on Tuesday and Friday at noon. Outside of them only the head of finance and one more person together can release something, after calling back the supplier under a number that we already had.',
    ],
    purchasing: [
      'Buying things',
      'Up to 1,000 euros a team buys by itself. From 1,000 to 10,000 we want two offers and an order, from 10,000 three offers and the purchasing department. Above 50,000 the management signs. Orders are made in the system Ledgerline and have a number such as PO-2026-0417.',
      'New suppliers: They are entered by finance only, after the bank details have been confirmed by phone. That takes three working days, so do not begin on the day when something is needed.',
    ],
    billing: [
      'Invoices that we send',
      'Customers are billed in advance: for a year, or by quarter for a surcharge of four percent. The invoice goes out on the first working day and is due after 14 days. Hardware is billed with the delivery. Corrections are made with a credit note and a new invoice, never by changing the old one.',
      'When customers do not pay: A friendly reminder goes out a week after the due date, the second after three weeks, with a fee of 40 euros. After 45 days the account manager calls. After 60 days access is limited to reading, and after 90 the matter goes to the lawyers.',
    ],
    closing: [
      'Closing the month',
      'The books are closed on the fifth working day. Until the second, departments send what they have ordered but not been billed for, so that we can put money aside for it. On the eighth the heads get their figures with remarks, on the tenth the management does.',
      "The year's end: In December the books stay open until the fifteenth of January. Whoever has goods that came in December without an invoice sends a list with values by the fourth.",
    ],
    budget: [
      'The budget of the year',
      'In September each department plans the next year: people, tools, travel, events. Finance puts it together in October, the board decides in November. A plan has three versions, of which one assumes a fifth less income than we hope for.',
      'Moving money about: Within a department heads may move up to 10,000 euros from one line to another, except for people. Money that is not spent is not saved up for next year. There is a new forecast after each quarter.',
    ],
    tax: [
      'VAT on what we sell',
      'In our own country we add 19 percent. Businesses elsewhere in the European Union are billed without it if their number is valid in VIES on the day of the invoice; the tax falls on them then. Outside the Union there is none, but the export papers have to be on file.',
      'Tax on services from abroad: For services that we buy from other countries we owe the tax ourselves and get it back in the same return. Tell finance which country a new tool is billed from.',
    ],
    assets: [
      'Things that we own for years',
      'What costs more than 800 euros and lasts longer than a year is written into the list of assets, gets a sticker with a number and loses value over its life: laptops in three years, furniture in ten, machines in eight. When something is sold, broken or gone, write to finance with form FIN-05.',
    ],
    audit: [
      'The auditors',
      "Every spring the auditors of Brandt & Oyelaran look at last year's books for three weeks. They may ask anybody for papers; give them what they ask for and tell finance that you did. Papers about money are kept for ten years, letters about business for six.",
    ],
    currency: [
      'Other currencies',
      'We sell in euros, pounds, dollars and Swedish kronor. The rate is that of the European Central Bank on the day of the invoice. What you paid abroad is refunded at the rate on the statement of your bank; without it we take the monthly mean.',
      'Swings in rates: Once a quarter we fix the rate for half of the dollars that we expect. We do not speculate. Losses and gains from rates stand in a line of their own in the monthly figures.',
    ],
    revenue: [
      'When income counts',
      'A subscription counts month by month over its term, also if it is paid for in advance. Hardware counts when it has been handed over. Setting up at the customer counts when they have signed that it works. Discounts are spread over everything that is in the contract.',
      'What sales must not promise: Terms such as a right to give goods back, or features that are not there yet, move the income to later. Such promises, also by mail, have to be shown to finance before the signature.',
    ],
    grants: [
      'Public money for research',
      'For the project HALO we get 45 percent of the cost from the ministry until 2028. Everybody who works on it writes their hours each day, signed at the end of the month. Changes of more than a fifth in a line must be asked for beforehand. Reports are due in January and July.',
    ],
    petty: [
      'The cash box',
      'At the reception there is a box with 250 euros for flowers, stamps and taxis of guests. Each payment needs a slip with date, reason and name. The box is counted every Friday by two people, and a difference of more than five euros is told to finance.',
    ],
  },
  questions: [
    ['meaning', 'how do I get reimbursed for something I bought for the company', 'expenses'],
    ['name', 'Kvitto', 'expenses'],
    ['words', 'is a fine refunded', 'expenses'],
    ['meaning', 'spending ceiling on the corporate visa', 'cards'],
    ['words', 'company credit card lost', 'cards'],
    ['meaning', "when will a vendor's bill be settled", 'invoices'],
    ['sloppy', 'urgant payment outside of payment run', 'invoices'],
    ['words', 'how many offers do I need for an order of 20,000 euros', 'purchasing'],
    ['name', 'PO-2026-0417', 'purchasing'],
    ['meaning', 'client is overdue, what steps do we take', 'billing'],
    ['meaning', 'can a customer pay every three months', 'billing'],
    ['sloppy', 'month closing working day fith', 'closing'],
    ['words', 'when is the budget of the next year planned', 'budget'],
    ['meaning', 'can unspent funds be carried into january', 'budget'],
    ['words', 'VAT for businesses in the European Union', 'tax'],
    ['name', 'VIES', 'tax'],
    ['meaning', 'over how many years do we depreciate a notebook', 'assets'],
    ['name', 'FIN-05', 'assets'],
    ['meaning', 'how long must receipts and ledgers be archived', 'audit'],
    ['sloppy', 'exchagne rate dolar refund', 'currency'],
    ['meaning', 'at which moment is a device that we sold recognised as sales', 'revenue'],
    ['name', 'project HALO', 'grants'],
    ['words', 'cash box at the reception', 'petty'],
  ],
}
