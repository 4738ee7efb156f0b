import type { Subject } from '../set.ts'

export const office: Subject = {
  documents: {
    desks: [
      'Finding a seat',
      'There are 140 desks for 210 people, so nobody has one for good. Book in the app Platz up to two weeks ahead; who has not come by ten loses the seat for the day. Each team has a corner where it sits as a rule. Things are kept in lockers, whose code you choose yourself.',
      'A seat for good: Whoever needs a special desk or chair, a quiet place or a short way because of their health gets a fixed seat. Write to the office team; a note of a doctor is not asked for.',
    ],
    rooms: [
      'Meeting rooms',
      'Rooms are named after lakes and booked in the calendar. Vättern seats twenty, Saimaa twelve, Inari and Mjøsa six each. If nobody has come ten minutes after the beginning, the room is free again. Leave it as you found it, with the windows open for a moment.',
      'Phone boxes: The eight boxes on the floors are for calls of up to half an hour and cannot be booked. The two with a screen on the third floor are meant for talks with applicants first.',
    ],
    fire: [
      'If it burns',
      'Push the red button, call 112, then extension 4000. Close windows and doors, leave everything, go down the stairs and never by lift. We meet at the linden tree behind the car park. The floor warden in the yellow vest counts; nobody goes back in before the brigade says so.',
      'Drills and wardens: There is a drill in April and one in October, of which only one is announced. Each floor has two wardens, trained for half a day every two years. Their names hang beside the coffee machines.',
    ],
    firstaid: [
      'First aid',
      'First-aid boxes hang in each kitchen, and the defibrillator is at the reception. The fifteen first-aiders have a green cross at their name in the chat. Write every injury into the book beside the box, small ones too: it counts if it turns out worse later. Serious ones go to HR the same day.',
    ],
    parking: [
      'Cars and bicycles',
      'There are 38 places under the house. They are given out by lot each half year to those who live far away or drive in shifts; four are for guests and two for wheelchairs. Six have a charging post. Bicycles stand in the cage, which opens with the badge; do not take them up in the lift.',
      'Charging a car: A post gives 11 kilowatts. Plug in for four hours at most on days when others wait, which the app shows. The card for the post hangs at the reception.',
    ],
    kitchen: [
      'Kitchens and food',
      'Coffee, tea, milk and fruit are free. At noon the canteen of the house next door sells lunch; with the badge we pay three euros of it. What is in the fridge without name and date is thrown out on Friday at four. The dishwasher is for everybody and so is emptying it.',
    ],
    cleaning: [
      'Cleaning and waste',
      'The cleaners come at night. Paper goes into blue, packaging into yellow, food into brown, and the rest into black bins. Batteries, toner and devices are taken at the service desk. There are no bins at desks, so that we walk a little. Stains on the carpet: write to the office team with a photo.',
    ],
    climate: [
      'Too warm, too cold',
      'The heating holds 21 degrees by day and 17 at night. Each room may be set two degrees up or down on the panel at the door. Above 26 degrees outside blinds go down by themselves; above 30 inside we send people home to work. Our own sensors hang everywhere, and their readings are in the hall.',
    ],
    post: [
      'Letters and parcels',
      'Letters come at eleven and lie in the shelf of your team. What is to go out must be in the box at the reception by three. Private parcels may be sent to the office, but not fridges. A courier is called by the reception for what is urgent, with a cost centre.',
    ],
    opening: [
      'When the house is open',
      'The doors open with your badge from six to ten at night on working days. On weekends you need to be on the list of the reception by Friday noon. The alarm is armed at half past ten; if you set it off, type the code 7-star on the panel and call the guard, Wolke Security, at once.',
    ],
    dogs: [
      'Dogs at work',
      'Dogs are welcome on the first floor on Tuesdays and Thursdays if the team agrees and nobody is allergic. They are registered with a proof of vaccination and insurance. They stay out of kitchens and meeting rooms. Other animals stay at home, with the exception of guide dogs, who may go anywhere, always.',
    ],
    events: [
      'Parties and evenings in the house',
      "The hall may be used for evenings of user groups and for parties of teams until 23 o'clock. Ask the office team three weeks before. From 100 people on a guard is needed, which costs 240 euros. Tidy up the same night, since the cleaners have only two hours for the hall.",
      'Private use: Staff may have the hall for a birthday once a year, for 80 euros. One of us must be there until the end and is answerable for damage.',
    ],
    moving: [
      'Moving to another floor',
      'When a team moves, boxes are brought on Wednesday, packed by Friday noon and stand at the new place on Monday. Label them with the yellow stickers: team, name, number. Take laptops and what is dear home yourself. Screens are moved by the service desk.',
    ],
    repairs: [
      'Something is broken in the house',
      'Lamps, doors, toilets, blinds: scan the code on the thing or on the door frame, take a picture, done. The caretaker, Mr. Adeyemi, looks twice a day. If water runs or something smells of burning, call 4000 instead, at once. Do not repair anything yourself, not even with good tape.',
    ],
  },
  questions: [
    ['words', 'how do I book a desk', 'desks'],
    ['name', 'app Platz', 'desks'],
    ['meaning', 'my back hurts, can I have an ergonomic permanent workstation', 'desks'],
    ['name', 'Saimaa', 'rooms'],
    ['meaning', 'which conference space fits twenty guests', 'rooms'],
    ['sloppy', 'fone box how long call', 'rooms'],
    ['meaning', 'where do we assemble when we evacuate', 'fire'],
    ['words', 'floor wardens and drills', 'fire'],
    ['meaning', 'I cut my finger at work, do I have to record it', 'firstaid'],
    ['words', 'where is the defibrillator', 'firstaid'],
    ['meaning', 'can I leave my automobile in the garage', 'parking'],
    ['meaning', 'free drinks for staff', 'kitchen'],
    ['sloppy', 'frige food thrown out friday', 'kitchen'],
    ['words', 'which bin is for packaging', 'cleaning'],
    ['meaning', 'it is freezing in here, what temperature should it be', 'climate'],
    ['meaning', 'shipping a personal package to my work address', 'post'],
    ['words', 'getting into the house on weekends', 'opening'],
    ['name', 'Wolke Security', 'opening'],
    ['meaning', 'is my puppy allowed at work', 'dogs'],
    ['meaning', 'celebrating my birthday on the premises', 'events'],
    ['sloppy', 'boxs labels yelow stickers move floor', 'moving'],
    ['name', 'Mr. Adeyemi', 'repairs'],
    ['meaning', 'the toilet is clogged, who fixes it', 'repairs'],
  ],
}
