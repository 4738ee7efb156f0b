import type { Subject } from '../set.ts'

export const logistics: Subject = {
  documents: {
    shipping: [
      'Sending goods to customers',
      'Orders that are in by noon leave the warehouse the same day with DHL, bigger ones on pallets with Schenker on Tuesday and Thursday. Delivery takes two days in our own country and up to six in the rest of Europe. The customer gets a number to follow the parcel by mail.',
      "Damaged on the way: The customer takes pictures of box and device and writes to us within seven days. We send a new one and settle it with the carrier. A torn box alone is no damage, but note it on the driver's paper.",
    ],
    customs: [
      'Papers for outside the Union',
      'A delivery to Switzerland, Britain or Norway needs a commercial invoice in three copies, the code of the goods (9027 50 00 for sensors) and where they were made. Above 1,000 euros an export declaration is filed by our agent, Zollwerk, which takes a day. The customer pays duty and tax there.',
    ],
    receiving: [
      'Goods that arrive',
      "Ramp 2 takes goods from 7 to 15 o'clock. Count, compare with the order, write differences on the delivery note before the driver leaves. What is not announced is not unloaded. Within a day it is booked into the stock in the system Lagra; only then may it be used.",
      'Checking quality: Of circuit boards we test 20 out of each lot. If two fail, the whole lot is blocked with red tape and goes back. Cells are weighed, since light ones are old.',
    ],
    inventory: [
      'Counting the stock',
      "Each week a tenth of the shelves is counted, so that everything is counted once in a quarter. On the last Friday of the year all is counted by two teams who do not see each other's lists. Differences above 200 euros are looked into. Nothing moves during the count.",
    ],
    assembly: [
      'How a sensor is put together',
      'On line A the board goes into the case, the cells are put in, the firmware is written and the number is lasered. One every 48 seconds. Each sensor then stands for two hours in the chamber at 40 degrees. Whoever sees a fault pulls the yellow cord; the line stops and nobody is cross.',
      'Static: In the assembly hall everybody wears the coat, the shoes and the wrist strap, visitors too. The strap is tested in the morning, and the result goes onto the sheet QS-14.',
    ],
    suppliersparts: [
      'Where parts come from',
      'Boards come from Tallinn, cases from Brno, CO2 cells from a maker in Sweden who is the only one. For these we keep a stock for five months, for other parts six weeks. Once a year the buyers visit each maker. A second source for the cells is looked for since 2025.',
    ],
    forklift: [
      'Forklifts',
      'Only those with a licence and the yearly briefing drive. Six kilometres an hour in the hall, horn at the gates, fork down when you park. Nobody rides along. Charge only at the marked place, since hydrogen is given off. Whoever bumped into a rack reports it, even when nothing can be seen.',
    ],
    spares: [
      'Spare parts',
      "We keep parts for each device until eight years after its last sale. They lie in row K and are picked by part number: AL-3-CB holders, AL-5-FL filters, G2-PS power supplies. Support orders them in Lagra with the customer's number; they go out by letter post at no cost below 20 euros.",
    ],
    returnsdesk: [
      'What comes back',
      'Every parcel with an RMA number is opened within two days, photographed and tested on the bench. The result goes to the ticket: fault found, no fault, damaged by the customer. Faulty ones are taken apart for repair; what is whole is cleaned and sold as refurbished with a year of warranty.',
    ],
    packaging: [
      'Boxes and filling',
      'Since 2024 there is no plastic in our boxes: filling is paper, tape is paper, the bag for the cells is made of starch. Three sizes, S, M and L. Lithium cells need the label UN3481 on the outside, and not more than four sensors may be in a parcel that flies.',
      'Taking it back: Customers may put our boxes into their own paper waste. Pallets and mesh boxes are swapped one for one with the driver; whoever forgets it costs us 25 euros.',
    ],
    lithium: [
      'Handling lithium cells',
      'Cells are kept in the steel cabinet, at most 40 boxes, away from the heater. One that is swollen, hot or dented goes into the bucket with sand outside, and you call 4000. Do not use water. Waste cells have their poles taped and are fetched every month by the firm Batrec.',
    ],
    shiftsplan: [
      'Shifts in production',
      "There is an early shift from 6 to 14 and a late one from 14 to 22 o'clock; a night shift only before Christmas. The plan hangs out three weeks ahead. Swapping is fine if both have signed and the foreman knows. The late shift earns ten percent more, the night 25.",
    ],
    kanban: [
      'Asking for more parts',
      'Every bin at the line has a card. When the first of two bins is empty, put its card into the red box; at ten and at two the store fills it up. A lost card stops the line sooner or later, so tell the store at once and take a white one meanwhile.',
    ],
    machines: [
      'Care for machines',
      'Ovens, lasers and testers have a small service each Monday at six and a big one by the maker twice a year. The book lies at the machine. The laser may be opened only by Piotr and Ayla, who have been trained. After a repair ten pieces are measured before it goes on.',
    ],
  },
  questions: [
    ['words', 'when do orders leave the warehouse', 'shipping'],
    ['meaning', 'parcel arrived smashed, what must the purchaser do', 'shipping'],
    ['name', '9027 50 00', 'customs'],
    ['meaning', 'documents needed to deliver to Switzerland', 'customs'],
    ['name', 'Lagra', 'receiving', 'spares'],
    ['words', 'circuit boards tested of each lot', 'receiving'],
    ['meaning', 'annual stocktaking', 'inventory'],
    ['sloppy', 'differences abov 200 euro couting stock', 'inventory'],
    ['meaning', 'protection against electrostatic discharge in manufacturing', 'assembly'],
    ['name', 'QS-14', 'assembly'],
    ['meaning', 'which component has just a single vendor', 'suppliersparts'],
    ['words', 'how fast may forklifts drive in the hall', 'forklift'],
    ['sloppy', 'forklift licens yearly breifing', 'forklift'],
    ['name', 'G2-PS', 'spares'],
    ['meaning', 'are repaired devices sold second hand', 'returnsdesk'],
    ['meaning', 'is our wrapping material environmentally friendly', 'packaging'],
    ['name', 'UN3481', 'packaging'],
    ['meaning', 'a battery is bulging and warm, what should I do', 'lithium'],
    ['words', 'early shift and late shift', 'shiftsplan'],
    ['meaning', 'can I trade my rota slot with a workmate', 'shiftsplan'],
    ['sloppy', 'lost kard red box bin store', 'kanban'],
    ['words', 'who may open the laser', 'machines'],
  ],
}
