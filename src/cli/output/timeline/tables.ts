import type { Cause, FileSystemFailure, Outage, SessionOutages } from '../../../explain/report.ts'
import { count } from '../../../model/count.ts'
import { ofSessions, time } from '../explain-format.ts'
import type { Html } from './html.ts'
import { html, NOTHING } from './html.ts'

/** At most this many rows of a table are shown; --json has all. */
const MAX_ROWS = 400

/** The table of all outages; nothing if there are none. */
export function outagesTable(sessions: readonly SessionOutages[]): Html {
  const rows = sessions.flatMap((story) => story.outages.map((outage) => outageRow(story, outage)))
  if (rows.length === 0) return NOTHING
  return table('Outages', ['Host', 'Session', 'Lost', 'Away', 'Failed', 'Remedy'], rows)
}

function outageRow(story: SessionOutages, outage: Outage): Html {
  const { survived, seconds, awayAtLeast, prevention, noticed, timer } = outage
  const away = seconds === null ? (awayAtLeast ? `at least ${awayAtLeast} s` : 'not known') : `${seconds} s`
  const failed = [
    failuresText(outage.ioErrors, outage.devices, outage.fileSystems),
    ...outage.shared.map(
      (failure) =>
        failuresText(failure.ioErrors, [failure.device], failure.fileSystems) + ofSessions(failure),
    ),
  ].filter(Boolean)
  return html`<tr>
    <td>${whereOf(story)}</td>
    <td>${story.session}${story.portal === null ? '' : `, ${story.portal}`}</td>
    <td>${time(outage.lostAt, outage.lostUptime, null) ?? 'before the log'}<br />${noticed.words}</td>
    <td>${away}${timer === null ? '' : ` (timer ${timer} s)`}</td>
    <td class="${survived ? 'good' : 'bad'}">${failed.join('; ') || 'no I/O error logged'}</td>
    <td>${prevention.words}</td>
  </tr>`
}

function whereOf({ host, log }: Pick<Cause, 'host' | 'log'>): string {
  return host ?? (log === '-' ? '' : (log ?? ''))
}

function failuresText(
  ioErrors: number,
  devices: readonly string[],
  fileSystems: readonly FileSystemFailure[],
): string {
  const broken = fileSystems.map(({ device, type, what }) => `${type} on ${device}: ${what}`)
  const errors = ioErrors === 0 ? [] : [`${count(ioErrors, 'I/O error')} on ${devices.join(', ')}`]
  return [...errors, ...broken].join('; ')
}

/** The table of all causes other than outages; nothing if there are none. */
export function causesTable(causes: readonly Cause[]): Html {
  if (causes.length === 0) return NOTHING
  const rows = causes.map(
    ({
      host,
      log,
      subject,
      kind,
      what,
      count: messages,
      firstAt,
      firstUptime,
      advice,
      fileSystems,
      detail,
    }) =>
      html`<tr>
        <td>${whereOf({ host, log })}</td>
        <td>${subject}<br />${kind}</td>
        <td>${time(firstAt, firstUptime, null) ?? ''}</td>
        <td>
          ${what}${detail === null ? NOTHING : html`<br /><code>${detail}</code>`}${fileSystems.map(({ device, type, what: fate }) => html`<br /><span class="bad">${type} on ${device}: ${fate}</span>`)}
        </td>
        <td>${messages}</td>
        <td>${advice}</td>
      </tr>`,
  )
  return table('Other causes', ['Host', 'Where', 'First', 'What', 'Times', 'Remedy'], rows)
}

function table(title: string, heads: readonly string[], rows: readonly Html[]): Html {
  return html`<h2>${title}</h2>
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            ${heads.map((head) => html`<th>${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, MAX_ROWS)}
        </tbody>
      </table>
    </div>
    ${moreRows(rows.length)}`
}

function moreRows(rows: number): Html {
  return rows <= MAX_ROWS
    ? NOTHING
    : html`<p>and ${rows - MAX_ROWS} more; lunkeeper explain --json has all</p>`
}
