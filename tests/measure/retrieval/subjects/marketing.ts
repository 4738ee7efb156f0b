import type { Subject } from '../set.ts'

export const marketing: Subject = {
  documents: {
    voice: [
      'How we sound',
      'We write as one talks to a clever neighbour: short sentences, no exclamation marks, no superlatives. We say you and we. Figures have a source. Technical words are explained once. Humour is fine as long as nobody is its victim. Every text is read by a second person before it goes out.',
      'Words we avoid: Smart, revolutionary, seamless, leading and next-generation. Air is not pure, it is fresh. We do not make anybody healthy; we show how the air is, and that is the whole claim which the lawyers let us make.',
    ],
    logo: [
      'Logo, colours and type',
      'The logo stands alone with a margin of one leaf, never turned, in dark green (#1F4D3A) or white. Headlines are set in Karla, texts in Source Serif. The files lie in the drive Brand, with templates for slides. On photographs the white one is used, and only where it can be read.',
    ],
    website: [
      'Changing the website',
      'Pages are written in the editor at /studio and go online after a second pair of eyes. Prices come from the shop and are not typed in. German comes first, English within two days, the others within two weeks. Old addresses are redirected for ever; nothing ends in a 404.',
      'Measuring visits: We count visits without cookies, on our own machine, and know nobody by name. So there is no banner. Whoever asks for a tool from outside must show what it finds out that we do not know.',
    ],
    newsletter: [
      'The newsletter',
      'It is sent on the second Wednesday of a month to some 6,400 people who have confirmed their address. One subject, three short texts, one link that matters. Addresses from fairs are added only if the person ticked the box. Whoever signs off is out at once, and is not asked why.',
    ],
    press: [
      'Journalists',
      'Questions of newspapers, radio and television go to Tomasz Birk, also if they catch you on the phone: say politely that he will call back within the hour. Releases are sent on Tuesday mornings. Pictures for the press may be used freely with our name beside them.',
    ],
    social: [
      'Social networks',
      'The company speaks on LinkedIn and Mastodon, three times a week. You may write about your work on your own account if you say that you work here. Do not argue with trolls; send what is insulting to the team. Customers who complain in public get an answer within two hours.',
    ],
    campaigns: [
      'Planning a campaign',
      'A campaign has one sentence that says what somebody should do afterwards, a budget, and a figure by which we will know. Two weeks after its end we look whether it came. One of three may fail; when all succeed we were too timid. Schools are addressed in March, offices in September.',
      'Advertisements: We pay for searches and for two trade papers, not for banners that follow people about. A click may cost 4 euros at most. What is claimed about other makers in an advertisement must be approved by the lawyers.',
    ],
    photos: [
      'Pictures of people',
      "Anybody who can be recognised has signed the sheet MK-7, children's parents too. Staff may take back their yes at any time; then we take the picture down within a week. We pay photographers for all uses for ten years. Pictures made by a machine are not used for people or rooms.",
    ],
    webinars: [
      'Talks on the net',
      "Once a month we explain something for 40 minutes, at eleven o'clock, with a customer as a guest. Slides are due three days before. Two of us answer questions in writing meanwhile. The film is online a day later, cut and with subtitles, and stays there for two years.",
    ],
    swag: [
      'Things with our name on',
      'Shirts, bottles and seed bags lie in the cupboard on the first floor; write down what you take. For more than twenty pieces ask two weeks ahead. We give nothing that is thrown away after a day. New colleagues get a shirt and a plant on their first day.',
    ],
  },
  questions: [
    ['words', 'which words do we avoid', 'voice'],
    ['name', '#1F4D3A', 'logo'],
    ['meaning', 'which font should slides have', 'logo'],
    ['meaning', 'do we track people on our homepage', 'website'],
    ['words', 'when is the newsletter sent', 'newsletter'],
    ['meaning', 'a reporter rang me, what should I answer', 'press', 'security/incidents'],
    ['sloppy', 'linkdin post about my work alowed', 'social'],
    ['meaning', 'how do we judge whether an advert worked', 'campaigns'],
    ['name', 'MK-7', 'photos'],
    ['meaning', 'a former colleague wants their portrait removed from the site', 'photos'],
    ['words', 'how long does a webinar film stay online', 'webinars'],
    ['meaning', 'merchandise for a club event', 'swag'],
  ],
}
