import { html, type Html } from '#base/html.ts'
import type { TenantTool, ToolSwitches } from '#tenancy/tenant-tools.ts'
import type { Fields } from './fields.ts'
import { boxes, problemNote } from './parts.ts'
import { begin, own } from './settings-forms.ts'
import type { Place, View } from './tenant-pages.ts'

/**
 * Which tools the organisation has: a box for each. What was on when the page was made is sent along, so that only what the person changed is
 * changed: not what somebody else did meanwhile, nor a tool that came with a new version.
 */
export function toolsForm(place: Place, view: View, tools: readonly TenantTool[]): Html {
  const on = tools.filter((tool) => tool.on).map(({ name }) => name)
  const typed = view.values.has('tools')
  const off = tools.length - on.length
  return html`<section class="card" id="tools">
    <h2>Tools</h2>
    ${problemNote(own(view, 'tools'))}
    <p>
      ${off === 0 ? 'All tools are on.' : `${off} of ${tools.length} ${off === 1 ? 'is' : 'are'} off.`} What is off is
      not there for anybody in this organisation, whatever their role: no client lists it, and none can call it.
    </p>
    ${begin(
      place,
      'tools',
      html`<input type="hidden" name="tools" value="1" />
        ${(typed ? view.values.all('was_on') : on).map(
          (name) => html`<input type="hidden" name="was_on" value="${name}" />`,
        )}
        <details ${(off > 0 || typed) && html`open`}>
          <summary>Choose</summary>
          ${boxes({
            name: 'on',
            label: 'Tools that are on',
            options: tools.map(
              ({ name, title, known }) =>
                [name, title, known ? name : 'the server has no tool of this name any more'] as const,
            ),
            chosen: typed ? view.values.all('on') : on,
            problem: own(view, 'tools'),
          })}
        </details>
        <div class="actions"><button class="primary">Save</button></div>`,
    )}
  </section>`
}

/** What the form says was changed. */
export function namesTicked(fields: Fields): ToolSwitches {
  const [before, now] = [fields.all('was_on'), fields.all('on')]
  return {
    off: before.filter((name) => !now.includes(name)),
    on: now.filter((name) => !before.includes(name)),
  }
}
