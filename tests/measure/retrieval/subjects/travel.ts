import type { Subject } from '../set.ts'

export const travel: Subject = {
  documents: {
    booking: [
      'Booking a trip',
      'Trips are booked in the portal Roamly, at least ten days ahead if it can be. Your lead agrees to the trip, not to each ticket. Ask yourself first whether a video call would do. Tickets that were bought elsewhere are refunded only if Roamly had none.',
      "Changing and cancelling: Do it in the app; at night the agency answers under the number on the back of the itinerary. Flexible fares are worth it from 150 euros upwards if the date may move. Tell the hotel yourself if you come after 22 o'clock.",
    ],
    trains: [
      'By rail',
      'Up to six hours we go by train, in second class; above three hours first class is fine if it costs at most 30 percent more. Seats are reserved. The half-price card BahnCard 50 is paid for whoever saves its price within a year, and may be used in private too.',
      "Delays: The form for getting a part of the fare back is filled in by you, and the money is the company's if it paid the ticket. From 60 minutes late it is a quarter, from 120 minutes a half. A missed appointment is nobody's fault.",
    ],
    flights: [
      'By air',
      'Within Europe we fly in economy, and only where the train takes more than six hours. Above seven hours in the air premium economy may be booked, and business class needs the management. A bag of 23 kilos is paid for, and seats with more room for legs for people above 190 centimetres.',
      'Miles and compensation: Miles that you collect are yours. Compensation for a flight that was cancelled or very late is yours as well, since it was you who waited. What we paid for another ticket we ask the airline for ourselves.',
    ],
    hotels: [
      'Hotels and nights elsewhere',
      'A night may cost 130 euros with breakfast, 180 in London, Paris, Zurich and Stockholm, and 220 during fairs. Staying with friends is thanked with 25 euros a night for a present. Minibar, films and the sauna are private. The invoice must be made out to the company, not to you.',
      'Flats and long stays: From ten nights in one place we rent a flat with a kitchen, for at most 1,900 euros a month. Private rooms from people on the net may be booked if there is a proper invoice.',
    ],
    cars: [
      'Cars',
      'A hired car is of the compact class and is brought back full. Our insurance covers it, so refuse that of the rental company. With your own car you get 38 cents for each kilometre, if a train would have taken more than an hour longer. Fuel, washing and fines are not paid on top.',
      'Taxis: A taxi may be taken at night between 22 and 6, with heavy luggage, or when three of you share it. Otherwise take the bus or the tram. Write on the receipt from where to where.',
    ],
    perdiem: [
      'Money for meals on the way',
      "For a day of more than eight hours away there are 14 euros, for a full day 28, abroad what the ministry's table says. If breakfast is part of the room, 5.60 are taken off; for a lunch or dinner that somebody else paid, 11.20. You need no receipts for it.",
    ],
    abroad: [
      'Visas, passports and shots',
      "Look three months ahead at what the country wants. The agency gets visas for you, and the fee is paid, also for a second passport if you need one often. For the United States you need ESTA, and for work on a machine there a real visa (B-1). Vaccinations are done by the company's doctor.",
      'Taking devices along: For China, Russia and some others you get a lent laptop without data, which is wiped afterwards. Ask the service desk two weeks before. Encrypted disks may have to be opened at the border; call the security line if that happens.',
    ],
    illness: [
      'Ill or hurt on a trip',
      'Everybody who travels for us is insured with Halvorsen Assist, policy number HA-77120-F, round the clock, for private days before and after too. Call them before you go to a hospital if you can: +47 21 00 00 00. They pay the clinic directly and fly you home if need be.',
    ],
    safety: [
      'Places that are not safe',
      'Where the foreign office warns against travelling, nobody goes. For places with a partial warning the management agrees to each trip, and you register with the embassy. Have your phone reachable; if something happens we write to everybody who is near, and you answer with one word.',
    ],
    events: [
      'Fairs and conferences',
      'Marketing books stands and rooms for fairs a year ahead; ask them before you book a room on your own. Whoever speaks at a conference has travel and ticket paid even if their learning budget is empty. Bring cards, two shirts of the company and a one-page report home.',
      'Stands: The stand kit is in four black boxes, 68 kilos, booked at the warehouse two weeks ahead. It goes by carrier, not in your luggage. Sensors that are shown must run on the network DEMO-3 and not on that of a customer.',
    ],
    guests: [
      'Inviting customers to dinner',
      'Up to 60 euros a head is fine, with the names and the reason on the receipt. Officials must not be invited at all. Drinks with alcohol are all right with a meal, in measure. For more than eight people ask the head of your department first.',
    ],
    private: [
      'Adding holidays to a trip',
      'You may stay on for private days if the ticket does not get dearer for it; what it costs more you pay. Hotel and meals of these days are yours. Somebody may come along at their own cost. Print the price of the plain journey on the day of booking, since the tax office wants to see it.',
    ],
    climate: [
      'Flying less',
      'Each year we count what our travel emits: 212 tonnes of CO2 in 2025, of which 180 were flights. The aim is a fifth less each year. For every tonne we pay 120 euros into a fund of our own, from which heat pumps in the offices are paid, rather than buying certificates.',
    ],
    commuting: [
      'The way to work',
      'We pay 40 euros a month towards a ticket for local transport, or lease a bicycle for you from your gross pay. The way to work is not a trip and is not refunded otherwise. Charging an electric car at the office costs 20 cents for a kilowatt hour.',
    ],
  },
  questions: [
    ['name', 'Roamly', 'booking'],
    ['meaning', 'my appointment moved, how do I cancel the tickets', 'booking'],
    ['words', 'may I go first class by train', 'trains'],
    ['name', 'BahnCard 50', 'trains'],
    ['sloppy', 'train delayd 2 hours money back', 'trains'],
    ['meaning', 'who keeps the frequent flyer points', 'flights'],
    ['meaning', 'is business class permitted on a long-haul plane', 'flights'],
    ['words', 'how much may a night in London cost', 'hotels'],
    ['sloppy', 'hotell max price per nigth', 'hotels'],
    ['meaning', 'mileage allowance for driving a private vehicle', 'cars'],
    ['words', 'when may I take a taxi', 'cars'],
    ['meaning', 'daily food allowance on business trips', 'perdiem'],
    ['name', 'ESTA', 'abroad'],
    ['meaning', 'which computer should I carry to China', 'abroad'],
    ['name', 'HA-77120-F', 'illness'],
    ['meaning', "I broke my leg at a customer's site in Norway, who covers the clinic", 'illness'],
    ['words', 'foreign office warns against travelling', 'safety'],
    ['meaning', 'I am giving a talk, is my ticket covered', 'events'],
    ['name', 'DEMO-3', 'events'],
    ['meaning', 'limit for a restaurant bill with clients', 'guests'],
    ['meaning', 'staying the weekend after a work appointment for sightseeing', 'private'],
    ['words', 'how much CO2 does our travel emit', 'climate'],
    ['sloppy', 'lease bycicle gross pay', 'commuting'],
  ],
}
