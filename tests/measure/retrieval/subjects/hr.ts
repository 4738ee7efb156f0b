import type { Subject } from '../set.ts'

export const hr: Subject = {
  documents: {
    leave: [
      'Annual leave',
      'Everybody who works full time has 28 days of paid leave in a calendar year. Whoever works fewer days a week has as many as the week has working days, times 5.6. In the first year you have a twelfth for every month that has begun. Ask in the HR portal; your lead answers within five working days.',
      'Carrying days over: Up to five days that were not taken may be used until the end of March of the next year. What is left on the first of April is gone, unless you were sick or on parental leave and could not take it. Days that go are not paid out.',
      'When many want the same weeks: In July and August and between Christmas and New Year a team must stay able to work. Whoever has school children goes first, then whoever did not get their wish last time. The team agrees by the end of February; if it cannot, the lead decides.',
    ],
    sickness: [
      'When you are ill',
      'Tell your lead before ten in the morning by phone or chat that you cannot work, and roughly for how long. You need not say what you have. From the fourth calendar day we need a certificate of a physician; upload it under Absences in the HR portal, form HR-17. Nobody works from bed to be nice.',
      'Pay while you are ill: Your full salary goes on for six weeks. After that the health insurer pays about two thirds of it, and we add enough to make ninety percent for another six weeks. A new illness begins a new count.',
    ],
    parental: [
      'Time off for new parents',
      'Mothers have sixteen weeks on full pay, of which six lie after the birth and cannot be given up. The other parent has eight weeks on full pay within the first year, in one piece or two. Adopting a child counts like a birth. Tell us three months before if you can.',
      'Coming back: For the first six months after you return you may work sixty or eighty percent without giving reasons. Your old position is kept for a year, and after that one of the same level. A room for nursing is on the second floor.',
    ],
    remote: [
      'Working from home',
      'Three days a week may be worked from home, two are for being together; teams choose which. For good reasons a lead can agree to more, for at most six months at a time. You must be reachable from ten to three, and your connection must be good enough for video.',
      'Equipment at home: We lend a screen, a keyboard and a chair, and pay 30 euros a month towards electricity and internet. The first time you fill in a checklist about light, table and cables. What is lent comes back when you leave.',
      'Abroad: From another country of the European Union you may work up to 20 days in a year if HR has agreed and the certificate A1 has come. From outside it is not allowed, because of taxes and of the data that you would carry with you.',
    ],
    probation: [
      'The first six months',
      "The first six months of a contract are probation, in which both sides can end it with two weeks' notice. There is a talk after six weeks, after three months and in the fifth month. In each we say plainly what goes well and what has to change.",
      'Extending it: Probation is not made longer. If somebody was away for more than a month in it, we may offer another contract for a fixed time instead. Whoever passes gets a short letter and the usual notice of three months.',
    ],
    pay: [
      'When and how we are paid',
      'Salaries are transferred on the 25th, or on the last working day before it. The payslip is in the HR portal two days earlier. Hours of overtime and shifts of the month before are added. If a figure looks wrong, write to payroll by the end of the month, and it is put right with the next run.',
      "Advances and garnishment: In need, half of a month's salary can be had in advance once a year, and is taken off over six months. If a court wants a part of your wage, payroll must obey, and tells nobody else.",
    ],
    bonus: [
      'Yearly bonus',
      "The bonus is up to ten percent of a year's base salary. Half of it depends on the result of the company, half on three goals that you set with your lead in January. It comes with the pay of March. Whoever begins during the year gets their share by months.",
      'Who does not take part: Interns, working students and people in sales who have a commission plan. Somebody who has given notice before the last day of December gets the half that hangs on the company, if they worked the whole year.',
    ],
    reviews: [
      'Talks about performance',
      'Twice a year, in May and November, you and your lead talk for an hour about your work. You both write beforehand, half a page each, about what went well, what did not and what comes next. There are no marks and no ranking of people against each other.',
      'Raises: Salaries are looked at once a year, in November, for everybody at once. What decides is the level of the role, what the market pays, and how fair it is beside the others in the team. Asking in between is welcome when your role has changed.',
    ],
    training: [
      'Learning budget',
      'Each of us has 1,500 euros and five working days a year for courses, books and conferences. Up to 300 euros you decide yourself; above that your lead agrees first. Language classes at work are free and do not count. What is not used does not move to the next year.',
      'If it was expensive: For a course of more than 4,000 euros we sign form HR-31: who leaves within two years afterwards pays a part of it back, a twenty-fourth for each month that is missing.',
    ],
    hiring: [
      'How we hire',
      'A role is opened by a lead with the head of the department and finance, on form HR-08. The advertisement is written with HR and stands at least two weeks. Two people read each application on their own before they talk about it, and every applicant has an answer within ten days.',
      'Interviews: There are three talks: with HR, with the team about a piece of work, and with somebody from another department. We ask all candidates the same core questions and write down the answers. The task at home takes two hours at most and is paid with a voucher.',
      'Referrals: Whoever recommends somebody we then employ gets 2,000 euros once that person has passed probation. It does not count for your own team if you are its lead, or for HR.',
    ],
    leaving: [
      'When somebody leaves',
      'Give notice in writing to HR; a message in the chat is not enough. The usual notice is three months to the end of a month. In the last two weeks you hand over your work with a list that your lead signs, and have a talk with HR about what we could do better.',
      'The last day: Bring back laptop, phone, badge and keys to the service desk. Leave that was not taken is used before the end or paid. The reference is written within four weeks, and you see a draft of it first.',
    ],
    pension: [
      'Company pension',
      "You may put up to four percent of your gross salary into a pension with our insurer, Norrland Leben, and the company adds a quarter of what you put in. After three years with us the company's part stays yours even if you go elsewhere. It can be changed or paused each January.",
      'When you stop working: Somebody who reaches the age for it may go down to half the hours for the last two years, with four fifths of the pay. Say it a year before, so that knowledge can be handed on.',
    ],
    grievance: [
      'If you are treated badly',
      'Bullying, harassment and putting people down because of who they are have no place here. You can turn to your lead, to any other lead, to HR, or to Marit Solheim, whom the staff have chosen for this and who is bound to keep quiet about it.',
      'What happens then: Within three working days somebody talks to you. Nothing is done without your consent, unless others are in danger. An inquiry is led by a person from another department and ends within six weeks. Nobody may suffer for having spoken up.',
    ],
    volunteering: [
      'Two days for a good cause',
      'Twice a year you may spend a paid working day helping a charity of your choice, alone or as a team. Political parties are excluded. Say it in the HR portal a week before, under Special leave, and tell the others about it afterwards if you like.',
    ],
  },
  questions: [
    ['words', 'how many days of paid leave do we have in a calendar year', 'leave'],
    ['meaning', 'what happens with vacation I did not use by December', 'leave'],
    ['meaning', 'two colleagues both want to be off in August, who wins?', 'leave'],
    ['words', 'when do I need a certificate of a physician', 'sickness'],
    ['name', 'form HR-17', 'sickness'],
    ['meaning', 'is my wage continued when I am unwell for two months', 'sickness'],
    ['meaning', 'how long is paternity leave', 'parental'],
    ['sloppy', 'part time after retrun from parentel leave', 'parental'],
    ['words', 'working from home days a week', 'remote'],
    ['meaning', 'can I do my job from Spain for a few weeks', 'remote'],
    ['meaning', 'notice period for a new starter', 'probation'],
    ['sloppy', 'payslip where salry day of month', 'pay'],
    ['meaning', 'does a working student receive the premium at the end of the year', 'bonus'],
    ['meaning', 'when can I ask for more money', 'reviews'],
    ['words', 'learning budget for courses and conferences', 'training'],
    ['name', 'HR-31', 'training'],
    ['meaning', 'reward for recommending a friend for an open job', 'hiring'],
    ['words', 'what do I hand over and bring back on my last day', 'leaving'],
    ['name', 'Norrland Leben', 'pension'],
    ['meaning', 'a coworker keeps insulting me, whom can I talk to in confidence', 'grievance'],
    ['sloppy', 'volunter day charity paid', 'volunteering'],
  ],
}
