import type { Subject } from '../set.ts'

export const helpdesk: Subject = {
  documents: {
    contact: [
      'The service desk',
      "The service desk is on the ground floor beside the lockers and is open from 8 to 17 o'clock. Write in the channel it-help or open a ticket; calls (extension 4200) are for what stops you from working. Outside of these hours there is nobody, except on the security line for lost or hacked devices.",
    ],
    newlaptop: [
      'Getting a laptop',
      'You choose between a ThinkPad T14 with Linux or Windows and a MacBook Air; engineers may have the bigger ones. It is ready on your first day. A new one comes after four years, or earlier if the service desk agrees that it is too weak. Old ones can be bought for 90 euros, wiped.',
      'Screens and more: At the desks there are two screens with one USB-C cable. Headset, mouse and keyboard are in the machine beside the service desk, which opens with your badge and writes off the cost by itself.',
    ],
    vpnhelp: [
      'VPN does not connect',
      'First: does the internet work at all? Then sign out of the client and in again with the hardware key. The message Posture check failed means that an update is missing: install it and start again. In hotels open a page in the browser first, since many want you to agree to their terms.',
      'Slow through the VPN: Video calls should go past it by themselves; if not, send us the file from Help, Diagnostics. Choose the nearest exit by hand: Munich, Dublin or Stockholm.',
    ],
    wifi: [
      'Wireless in the office',
      'Managed laptops join Fernhill-Staff on their own, by certificate. Private phones and guests use Fernhill-Guest; the word for the day is on the screen at the reception. If it is slow, tell us room and time. Do not hang up access points of your own, since they disturb the sensors in the lab.',
    ],
    printing: [
      'Printing and scanning',
      'Send what you want to print to the queue FollowMe, hold your badge to any printer and it comes out there, within 24 hours. Both sides in black is the default. Scans go to your own mail. Paper is in the cupboard underneath; toner is changed by the service desk.',
      'Paper jam: Open the doors in the order that the display shows and pull slowly, with both hands. If it jams a third time on the same day, leave it and scan the code on the side.',
    ],
    mailbox: [
      'Mailboxes and lists',
      'A mailbox holds 50 GB. Addresses of teams, such as orders@, are shared mailboxes: their owner lets people in. Lists for sending are made with form IT-09 and deleted when nobody wrote to them for a year. Mail is not forwarded to addresses outside automatically.',
      'Away: Set the answer for absences inside and outside apart. If you forgot it and are ill, your lead can ask us to set it, with a text of two lines and nothing about the reason.',
    ],
    calendar: [
      'Calendars',
      'Everybody can see when you are busy; details are seen by your team. Share more if you like, under Settings, People. An invitation needs a purpose, or it may be declined. Wednesday afternoon is free of meetings. For people outside use the booking page, which hides everything but free slots.',
    ],
    software: [
      'Getting programs',
      'Open the software catalogue on your machine and click; most things are there within ten minutes. What costs money goes to your lead first. Licences that have not been used for 90 days are taken back, with a mail a week ahead. Adobe and AutoCAD are shared, five places each.',
      "Trying something out: A trial on your own machine is fine for thirty days if no customer's data goes in and nothing is signed. Write in it-help what you try, so that the next one need not.",
    ],
    phones: [
      'Phones',
      'Whoever is on duty, sells or travels gets an iPhone, the others may have a work profile on their own. Roaming is included in Europe, Britain and the United States; elsewhere book a package for 15 euros in the app before you fly. A cracked screen is repaired in two days, with a lent phone meanwhile.',
    ],
    accounts: [
      'Account locked or forgotten',
      'After eight wrong passwords your account is shut for 15 minutes and opens by itself. If you forgot the password, come to the service desk with your badge or be seen on video by somebody of your team. We never ask for your password, not on the phone either.',
    ],
    meetingtech: [
      'Screens and cameras in meeting rooms',
      'Touch the panel and choose your meeting; the camera follows who speaks. To show something, plug in the cable or share through the call. If there is no sound, press Restart room on the panel and wait two minutes. For Teams and Zoom of others choose Join with code.',
      'Recording: A meeting may be recorded only if everybody says yes at the beginning. The file lies with the one who began it and is deleted after 60 days unless it is moved.',
    ],
    storage: [
      'Where files belong',
      'Work of a team goes to the drive of the team, drafts to your own, nothing to the desktop, which is not copied anywhere. Deleted files can be fetched back from the bin for 90 days by you, and for another 30 by us. Send links and not attachments. A link for people outside ends after 14 days.',
    ],
    chat: [
      'The chat',
      'Channels begin with team-, proj- or fun-. What is decided is written into the ticket or the wiki, since messages vanish after a year. Mention all only when all must act. Nobody has to read messages in the evening; you can have them sent the next morning. Guests have a yellow ring around their picture.',
    ],
    ai: [
      'Assistants and language models',
      'Use the assistant in the intranet for work; what you type there stays with us. Public services must not be given names of customers, source code or figures that are not published. Read what it writes before you send it, since you answer for it. Connecting one to our systems needs form SEC-33.',
    ],
  },
  questions: [
    ['words', 'when is the service desk open', 'contact'],
    ['name', 'extension 4200', 'contact'],
    ['meaning', 'can I select a Mac as my computer', 'newlaptop'],
    ['meaning', 'I need a new headset', 'newlaptop'],
    ['name', 'Posture check failed', 'vpnhelp'],
    ['meaning', 'tunnel to headquarters is sluggish during video', 'vpnhelp'],
    ['words', 'wireless for guests word of the day', 'wifi'],
    ['name', 'Fernhill-Staff', 'wifi'],
    ['name', 'FollowMe queue', 'printing'],
    ['meaning', 'sheet stuck inside the printer', 'printing'],
    ['sloppy', 'prnter tonner change who', 'printing'],
    ['words', 'how big is a mailbox', 'mailbox'],
    ['meaning', 'set up an out of office reply for a sick colleague', 'mailbox'],
    ['meaning', 'is there a day without appointments', 'calendar'],
    ['words', 'licences that have not been used', 'software'],
    ['meaning', 'data plan for my mobile in Japan', 'phones'],
    ['sloppy', 'acount locked to many wrong pasword', 'accounts', 'support/passwordreset'],
    ['meaning', 'participants cannot hear us in the conference room', 'meetingtech'],
    ['words', 'may a meeting be recorded', 'meetingtech'],
    ['meaning', 'I erased a document by accident last week, can it be recovered', 'storage'],
    ['sloppy', 'mesages vanish chat how long', 'chat'],
    ['meaning', 'may I paste source code into ChatGPT', 'ai'],
    ['name', 'SEC-33', 'ai'],
  ],
}
