import type { Subject } from '../set.ts'

export const engineering: Subject = {
  documents: {
    reviews: [
      "Looking at each other's changes",
      'No change goes to the main branch without one other pair of eyes, two for the parts that handle money or sign-in. A change should have fewer than 400 lines and be looked at within four working hours. The reviewer asks whether it is right, whether it is simple and how it is tested, in this order.',
      'When you disagree: Talk for ten minutes instead of writing the third comment. If that does not help, the owner of the room in the code decides and writes down why. Matters of taste are decided by the formatter.',
    ],
    branches: [
      'Branches and merging',
      'We work on short branches that live two days at most, named after the ticket, as in HUB-2381-faster-export. They are squashed into one commit when merged. Long-lived branches exist for the firmware only, one for each generation of the hardware.',
    ],
    releases: [
      'Shipping the Hub',
      "The main branch goes to production on its own several times a day, after tests and a trial on five percent of the customers for twenty minutes. On Fridays after two o'clock and before holidays nothing is shipped. What is risky hides behind a flag that is switched on later.",
      'Going back: The command ship back brings the version before within four minutes. It does not take back migrations of the database; those must work with the old version too. Whoever shipped stays until the curves are flat.',
    ],
    firmware: [
      'Firmware for the sensors',
      'A firmware is built from a tag, signed with the key in the safe and tried for a week on the 60 sensors in our own house. Then it goes to one percent, ten percent and all, with three days between. A sensor keeps the last good one and falls back to it if it cannot reach the gateway four times.',
      'Version numbers: The first number is the generation of the hardware, the second a feature, the third a repair: 3.14.2. Odd second numbers never leave the house. Sensors of generation 1 get repairs of security holes until June 2027.',
    ],
    oncall: [
      'Being on duty',
      "One engineer is on duty for a week, from Monday ten o'clock, with a second one as a reserve. You must be at a computer within 15 minutes. For it there are 350 euros a week, and hours at night count one and a half times. Whoever was woken begins later the next day.",
      'Handing over: On Monday both sit together for half an hour: what rang, what was noise, what is still open. Alarms that nobody could do anything about are removed the same day.',
    ],
    postmortem: [
      'Reviews after an outage',
      'After each outage of severity 1 or 2 the one who led writes a review within a week: a timeline, what customers noticed, causes and no names. At most five things to do come out of it, each with an owner and a date, and they go before features. The template is RFC-0 in the wiki.',
    ],
    testing: [
      'How we test',
      'Most tests talk to real parts: a Postgres that is thrown away, a broker in a container. The whole suite takes under eight minutes; a test over two seconds needs a reason. A test that fails now and then is fixed or deleted within a day, never simply run again.',
      'Devices in the lab: The rack on the third floor holds 40 gateways that can be switched on and off by software. Book them in the calendar lab-rack. Every night they run through an update, a power cut and a day with bad radio.',
    ],
    database: [
      'Changes to the database',
      'Migrations are forward only and additive: first add, then fill, then use, and remove a release later. An index on a big table is made concurrently. A statement may hold a lock for two seconds at most, or it gives up and tries again later.',
      'Readings: They lie in monthly partitions, with the raw ones kept for 25 months and means by the hour for ten years. Never query the raw table without a time range; the linter refuses it.',
    ],
    backups: [
      'Copies of the databases',
      'A full copy is made every night at two, and the log of changes is sent to another region each minute, so that we lose a minute at most. Copies are kept for 35 days. On the first Monday of the month one is restored for real and compared, in under two hours.',
      'Keys: The copies are encrypted with a key of which the parts lie with three people. Two of them are enough to open one. Each spring we try whether they still can.',
    ],
    observability: [
      'Logs, figures and traces',
      'Logs are JSON with an id of the request and never contain mail addresses or tokens. They are kept for 30 days, figures for 13 months. For every service there is a board with four curves: requests, errors, how long they take and how full it is. Traces are taken of one request in a hundred.',
      'Alarms: We are rung for what users feel, not for what machines feel: errors over one percent for five minutes, or the slowest of a hundred requests over two seconds. Full disks send a ticket, and ring only at 90 percent.',
    ],
    flags: [
      'Switches for features',
      'A flag has an owner and a date on which it is removed, three months at most. It is off unless said otherwise, and is read once for each request. Flags for prices and rights are not flags but settings. The list is under /admin/flags, and old ones turn red.',
    ],
    api: [
      'How our APIs look',
      'Addresses are plural nouns, fields are in snake_case, times are in UTC with a Z. Lists come in pages with a cursor, 100 entries at most. An error has a code that does not change and a sentence that may. A version such as v2 lives two years after the next one has come.',
      'Limits: 600 requests a minute for each key; beyond that comes 429 with Retry-After. Writing takes an Idempotency-Key, which is kept for a day, so that a client may try again without doing it twice.',
    ],
    decisions: [
      'Writing down decisions',
      'What is hard to change later gets a page: the situation, what we choose, what we did not choose and why. It is numbered, as in ADR-0042, which says why we left MongoDB for Postgres. A page is never changed afterwards; a new one replaces it.',
    ],
    dependencies: [
      'Libraries of others',
      'Before a library comes in, ask: could we write it in a day? Who looks after it? Which licence? MIT, BSD and Apache are fine, GPL is not for what runs at customers. Versions are exact. A robot opens updates on Tuesdays, and those that close security holes at once.',
      'Throwing one out: When a library has had no release for two years, or its only author has left, an owner plans how we live without it. A fork of our own is the last way, and needs a decision on a page.',
    ],
  },
  questions: [
    ['words', 'how many lines should a change have for review', 'reviews'],
    ['meaning', 'who must approve code that touches payments', 'reviews'],
    ['name', 'HUB-2381', 'branches'],
    ['meaning', 'may I deploy on friday afternoon', 'releases'],
    ['meaning', 'how can I revert production to the previous build', 'releases'],
    ['words', 'how long is a firmware tried in our own house', 'firmware'],
    ['sloppy', 'firmware verison numbers odd secnd number', 'firmware'],
    ['meaning', 'compensation for standby at night', 'oncall'],
    ['meaning', 'who writes up what went wrong after the service was unavailable', 'postmortem'],
    ['name', 'RFC-0', 'postmortem'],
    ['words', 'what is done with a test that fails now and then', 'testing'],
    ['name', 'lab-rack', 'testing'],
    ['meaning', 'rules for altering the schema', 'database'],
    ['meaning', 'how far back are sensor measurements stored in full detail', 'database'],
    ['sloppy', 'databse restore tested how ofen', 'backups'],
    ['meaning', 'how much information would vanish if the primary region burned down', 'backups'],
    ['words', 'how long are logs kept', 'observability'],
    ['meaning', 'when does monitoring page somebody', 'observability'],
    ['words', 'when is a flag removed', 'flags'],
    ['name', '429 Retry-After', 'api'],
    ['name', 'Idempotency-Key', 'api'],
    ['name', 'ADR-0042', 'decisions'],
    ['meaning', 'are we permitted to include copyleft packages', 'dependencies'],
  ],
}
