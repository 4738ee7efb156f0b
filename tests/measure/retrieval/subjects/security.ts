import type { Subject } from '../set.ts'

export const security: Subject = {
  documents: {
    passwords: [
      'Passwords and the manager for them',
      'Every password is made by the password manager, has at least 16 characters and is used in one place. You remember two: that of your laptop and that of the manager. Passwords are not changed by the calendar, only when somebody else may have seen them. Never write one into a chat, a ticket or code.',
      'Shared ones: Where a service knows only one account for a team, its password lies in a shared folder of the manager, and the owner of the folder changes it when somebody leaves the team. We prefer services that can do single sign-on.',
    ],
    mfa: [
      'The second factor',
      'Signing in needs a second factor everywhere. We hand out two hardware keys, one for the key ring and one for a drawer at home. The app with six digits is a stopgap for phones that cannot take a key. Codes by text message are switched off, because numbers can be taken over.',
      'If both keys are gone: Call the service desk. They see you on video, ask your lead to confirm that it is you, and give out a code that works for one hour. Bring the new keys into your account within that hour.',
    ],
    phishing: [
      'Mails that want something from you',
      'If a message asks you to hurry, to pay, to sign in or to keep a secret, stop. Look at the address behind the name, and ask the sender on another way, by phone for instance. Do not open what is attached. Forward it with the button Report in the mail program; the security team answers within an hour.',
      'If you have clicked: Nobody is blamed for it. Pull the network cable or switch off the wireless, do not turn the machine off, and call the security line, extension 4911, at once. The sooner we know, the less happens.',
    ],
    laptops: [
      'Rules for laptops',
      'The disk of every laptop is encrypted and the screen locks after five minutes. Updates come by themselves and may be put off for three days. You have no administrator rights; what you need is in the software catalogue, and what is missing there can be asked for with form SEC-12.',
      'Lost or stolen: Report it to the security line, extension 4911, in the first hour, at night and on weekends too. We lock and wipe the device from afar. If it was stolen, go to the police within a day and send us the number of the report.',
    ],
    incidents: [
      'Security incidents',
      'An incident is anything by which data may have been seen, changed or lost by those who should not. Whoever notices it calls extension 4911. The person on duty opens a room in the chat, names a lead for the incident and writes down what is done and when. Severity goes from S1, which wakes the management, to S4.',
      'Afterwards: Within five working days there is a written review without blame: what happened, what helped, what will be changed and by whom. It is kept for three years in the register of incidents, and read aloud once in the round of all leads.',
      'Telling others: Only the head of communications talks to the press. Whether authorities and customers must be told is decided with the data protection officer, who has 72 hours from the moment we knew.',
    ],
    access: [
      'Who may see what',
      'Rights are given by role, never by copying those of a colleague. The owner of a system agrees to each right, and it ends after a year unless it is renewed. Rights of an administrator are lent for eight hours at a time through the tool Sluice, with a reason that is written down.',
      'Quarterly check: Four times a year every owner looks through the list of who can get in, and strikes out those who no longer need it. What nobody confirms within two weeks is taken away by itself.',
    ],
    keys: [
      'Secrets in programs',
      'Tokens, private keys and passwords of services live in the vault, never in a repository, an image or a variable of the build that others can read. Programs fetch them when they start. A secret lives 90 days at most; the vault changes most of them without us.',
      'A secret got into a commit: Change it first and clean up after. Taking the line out of the history does not help, since somebody may have it already. Tell the security team which secret it was, also if the repository is private.',
    ],
    network: [
      'VPN and networks',
      'Inside systems are reached through the VPN only, from devices that we manage. It starts with the laptop and asks for the hardware key once a day. The network Fernhill-Guest is for visitors and private phones and reaches nothing but the internet.',
      'Away from the office: Wireless in hotels and trains may be used, since everything goes through the VPN. Do not plug into charging sockets of strangers with a cable that carries data, and use the privacy film on the screen.',
    ],
    visitors: [
      'Visitors and doors',
      'Guests are announced the day before, get a badge with a red stripe at the reception and are met there. Whoever invites them stays with them until they leave. Hold no door for people whom you do not know, friendly as they may look; bring them to the reception.',
      'Your own badge: Wear it where it can be seen. When it is lost it is blocked by the reception, extension 4000, and a new one costs nothing the first time. Badges of people who leave stop working at midnight of their last day.',
    ],
    vulnerabilities: [
      'Holes that others report',
      'Researchers may write to the address in our security.txt. We answer within two working days, do not threaten anyone who kept to the rules, and pay between 100 and 5,000 euros by severity. The rules forbid reading data of customers and flooding our services.',
      'How fast we close them: Critical ones within 48 hours, high ones in two weeks, medium ones in two months. If it cannot be done, the head of engineering signs an exception with an end date, and it stands on the risk list.',
    ],
    suppliers: [
      'Checking suppliers',
      'Before data of ours goes to a new supplier, the security team looks at them: certificates, where the data lies, who can see it, how they tell us about breaches. Form SEC-20 holds thirty questions; a certificate under ISO 27001 answers twenty of them. The check is repeated every two years.',
    ],
    pentest: [
      'Penetration tests',
      'Once a year, in September, a company from outside tries to break into our service for two weeks; in odd years it is Holmgren Labs, in even years somebody else. The report goes to customers who ask, after they have signed a confidentiality agreement.',
      'Findings: What the testers find is entered as a vulnerability like any other, with the same times for closing it. The red ones are retested in November, before the report is final.',
    ],
    encryption: [
      'What we encrypt, and how',
      'Between machines everything goes by TLS 1.2 or newer. What lies on disks is encrypted with AES-256, and the keys are kept in a hardware module in Frankfurt. Backups have another key than the live data. Home-made ciphers and algorithms that are not on the list of the security team are forbidden.',
    ],
    cleandesk: [
      'Tidy desks',
      'When you go home, nothing with names or figures of customers stays on the table, and whiteboards in meeting rooms are wiped. Paper that is not needed goes into the locked grey bins, which a company empties and shreds each Friday. Lock your screen when you get up.',
      'Printouts: What comes out of a printer is fetched at once. Lists of staff, payslips and contracts may be printed only where you stand beside the machine.',
    ],
  },
  questions: [
    ['words', 'how many characters must a password have', 'passwords'],
    ['meaning', 'do credentials expire every few months', 'passwords'],
    ['meaning', 'I have lost my authentication token and the spare one too', 'mfa'],
    ['meaning', 'is an sms code fine for signing on', 'mfa'],
    ['sloppy', 'clicked on fishing mail what now', 'phishing'],
    ['words', 'a message asks me to hurry and pay', 'phishing'],
    ['meaning', 'my notebook was taken from my bag on the train', 'laptops'],
    ['name', 'SEC-12', 'laptops'],
    ['meaning', 'whom do I ask to get an application installed that is not in the list', 'laptops'],
    ['name', 'extension 4911', 'phishing', 'laptops', 'incidents'],
    ['words', 'who talks to the press after an incident', 'incidents'],
    ['name', 'Sluice', 'access'],
    ['meaning', 'how often are permissions of people inspected', 'access'],
    ['sloppy', 'api token comited to git repositry', 'keys'],
    ['meaning', 'may I join the wifi in a hotel with my work computer', 'network'],
    ['name', 'Fernhill-Guest', 'network'],
    ['meaning', 'I forgot my card for the entrance somewhere', 'visitors'],
    ['words', 'how fast do we close critical holes', 'vulnerabilities'],
    ['meaning', 'do you pay hackers that find a bug', 'vulnerabilities'],
    ['name', 'SEC-20', 'suppliers'],
    ['words', 'penetration test report for customers', 'pentest'],
    ['name', 'AES-256', 'encryption'],
    ['sloppy', 'papers shreding confidential where', 'cleandesk'],
  ],
}
