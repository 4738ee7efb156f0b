import { html, type Html } from '#base/html.ts'
import type { CheckReport, ClaimRecord } from '#tenancy/claims.ts'
import { standingOf } from './domain-words.ts'
import { copyButton, when } from './parts.ts'
import type { Place } from './tenant-pages.ts'

/** What is entered where: as steps, or in short where it stands already; nothing when there is nothing to prove. */
export function recordSteps(record: ClaimRecord, check: Html): Html | null {
  const { domain, name_relative, name_absolute, expected } = record
  if (name_relative === null || name_absolute === null || expected === null) return null
  if (standingOf(record).tone === 'good' && record.verified_by === 'dns')
    return html`<section class="card">
      <h2>The record that proves it</h2>
      <p>It was there when we last looked. Leave it in the DNS.</p>
      <dl class="record">
        <dt>Name</dt>
        <dd>${line('name-absolute', 'the name', name_absolute)}</dd>
        <dt>Value</dt>
        <dd>${line('value', 'the value', expected)}</dd>
      </dl>
      ${check}
    </section>`
  return html`<section class="card">
    <h2>The record that proves it</h2>
    <ol class="steps">
      <li>
        <div>
          <p>
            <strong>Open the DNS settings of ${domain}.</strong> They are where its name servers are: often where the
            domain was bought, or a service like Cloudflare or Route 53.
          </p>
          ${somebodyElse(record)}
        </div>
      </li>
      <li>
        <div>
          <p>
            <strong>Add a record of the type TXT.</strong> Leave the TTL as it is, and leave all other records alone.
          </p>
          <dl class="record">
            <dt>Name</dt>
            <dd>${line('name-relative', 'the name', name_relative)}</dd>
            <dt>Name in full</dt>
            <dd>
              ${line('name-absolute', 'the name in full', name_absolute)}
              <div class="hint">
                Only where the panel wants the whole name. Most add <code>${domain}</code> by themselves: the whole name
                would end up as <code>${name_absolute.slice(0, -1)}.${domain}</code>, where nobody looks.
              </div>
            </dd>
            <dt>Value</dt>
            <dd>${line('value', 'the value', expected)}</dd>
          </dl>
          ${HINTS}
        </div>
      </li>
      <li>
        <div>
          <p>
            <strong>Come back and check.</strong> A new record is usually seen within minutes. You can close this page:
            we look by ourselves too.
          </p>
          ${check}
        </div>
      </li>
    </ol>
  </section>`
}

const line = (id: string, what: string, text: string): Html =>
  html`<div class="address"><code id="${id}">${text}</code>${copyButton(id, what)}</div>`

const somebodyElse = ({ domain, name_absolute, expected }: ClaimRecord): Html =>
  html`<details class="more">
    <summary>Somebody else looks after the DNS?</summary>
    <p>Send them this:</p>
    <div class="snippet">
      <div class="where"><span>Message</span>${copyButton('message', 'the message')}</div>
      <pre id="message">
${`Please add this TXT record to the DNS of ${domain}, and leave it there:

Name:  ${name_absolute}
Type:  TXT
Value: ${expected}

It shows that ${domain} is ours. It changes nothing about mail or the web site.`}</pre>
    </div>
  </details>`

/** Where the name without the zone is wanted, and what the field is called there. */
const PANELS: readonly (readonly [string, string])[] = [
  ['Cloudflare', 'DNS, Records, Add record. Type TXT, the short name into Name, the value into Content.'],
  [
    'AWS Route 53',
    'Hosted zones, Create record. The short name into Record name; Route 53 puts the value into quotation marks by itself, or asks for them: that is right there and nowhere else.',
  ],
  ['Google Cloud DNS', 'Zone details, Add standard. The short name into DNS name; the zone stands beside it.'],
  ['GoDaddy', 'DNS, Add new record. The short name into Name, the value into Value.'],
  ['Namecheap', 'Advanced DNS, Add new record. The short name into Host: it adds the zone.'],
  ['IONOS, Strato, OVH', 'The short name into Host name or Sub-domain: they add the zone.'],
  ['A zone file', 'The name in full with its dot at the end, and the value in quotation marks.'],
]

const HINTS = html`<details class="more">
  <summary>Where that is at your provider</summary>
  <dl class="panels">
    ${PANELS.map(
      ([name, text]) =>
        html`<dt>${name}</dt>
          <dd>${text}</dd> `,
    )}
  </dl>
</details>`

/** What "check now" saw. */
export function findings(report: CheckReport, { now, may, path }: Place): Html {
  const { problem, seen, asked, domain, next_check, state } = report
  const found = problem === null
  const rows = seen.flatMap(({ name, values }) => values.map((value) => ({ name, value })))
  return html`<section class="card" id="found" tabindex="-1">
    <h2>What we found just now</h2>
    <div
      class="note ${found ? 'good' : problem.code === 'contested' || problem.code === 'approval' ? 'warn' : 'bad'}"
      role="status"
    >
      <p>
        <strong>${found ? 'The record is right.' : 'Not proved yet.'}</strong>
        ${found ? `${domain} is ${state}.` : problem.message}
        ${found && !may('tenant:admin') && html`<a href="${path('')}">To the overview: see what you can do now</a>`}
      </p>
    </div>
    ${
      rows.length === 0
        ? html`<p>No TXT record was seen.</p>`
        : html`<div class="scroll">
            <table class="stack">
              <thead>
                <tr>
                  <th scope="col">At the name</th>
                  <th scope="col">TXT record</th>
                </tr>
              </thead>
              <tbody>
                ${rows.map(
                  ({ name, value }) =>
                    html`<tr>
                      <td data-label="At the name"><code>${name}</code></td>
                      <td data-label="TXT record"><code>${value}</code></td>
                    </tr> `,
                )}
              </tbody>
            </table>
          </div>`
    }
    <p class="small">
      Asked: <code>${asked}</code>. ${!found && 'You can check again after 10 seconds.'}
      ${next_check !== null && html`We look again by ourselves ${when(next_check, now)}.`}
    </p>
  </section>`
}
