import type { Explanation } from '../../../explain/report.ts'
import { count } from '../../../model/count.ts'
import { chart } from './chart.ts'
import { episodesOf } from './episodes.ts'
import type { Html } from './html.ts'
import { html, NOTHING } from './html.ts'
import { STYLE } from './style.ts'
import { causesTable, outagesTable } from './tables.ts'
import type { Track } from './tracks.ts'
import { tracksOf } from './tracks.ts'

/** How each page starts: only such a file may be replaced by another page. */
export const PAGE_START = '<!doctype html><!-- lunkeeper explain -->'

/** The report as a self-contained HTML page: it has no scripts, and loads nothing. */
export function timelinePage(explanation: Explanation, summary: string): string {
  const { sessions, causes, inputs } = explanation
  const { dated, sinceBoot } = tracksOf(explanation)
  const page = html`${{ markup: PAGE_START }}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>iSCSI outages</title>
        <style>
          ${{ markup: STYLE }}
        </style>
      </head>
      <body>
        <main>
          <h1>iSCSI outages</h1>
          <p class="lead">${summary}</p>
          ${dated.length + sinceBoot.length === 0 ? html`<p>There is nothing to draw: the logs show no outage with a time.</p>` : LEGEND}
          ${charts(dated, true)} ${charts(sinceBoot, false)} ${outagesTable(sessions)} ${causesTable(causes)}
          <footer>Read: ${inputs.map(({ name }) => name).join(', ')}. Made by lunkeeper explain.</footer>
        </main>
      </body>
    </html> `
  return page.markup
}

function charts(tracks: readonly Track[], dated: boolean): Html {
  if (tracks.length === 0) return NOTHING
  const { episodes, left } = episodesOf(tracks)
  return html`<h2>${dated ? 'Timeline' : 'Timeline, seconds since boot'}</h2>
    ${episodes.map(
      (episode) =>
        html`<section class="card">
          <h3>${rangeOf(episode.from, episode.to, dated)}</h3>
          ${chart(episode, dated)}
        </section>`,
    )}${left === 0 ? NOTHING : html`<p>and ${count(left, 'shorter episode')}</p>`}`
}

function rangeOf(from: number, to: number, dated: boolean): string {
  if (!dated) return `${Math.max(0, Math.round(from / 1000))} s to ${Math.round(to / 1000)} s after boot`
  const [first, last] = [from, to].map((at) => new Date(at).toISOString().slice(0, 19).replace('T', ' ')) as [
    string,
    string,
  ]
  return `${first} to ${last.startsWith(first.slice(0, 10)) ? last.slice(11) : last}`
}

const LEGEND = html`<ul class="legend">
  <li>
    <svg viewBox="0 0 22 22" aria-hidden="true">
      <rect class="waiting" x="1" y="5" width="20" height="12" rx="2" /></svg
    >connection lost, I/O is held
  </li>
  <li>
    <svg viewBox="0 0 22 22" aria-hidden="true">
      <rect class="failing" x="1" y="5" width="20" height="12" rx="2" /></svg
    >timer expired, I/O fails
  </li>
  <li>
    <svg viewBox="0 0 22 22" aria-hidden="true">
      <rect class="waiting open" x="1" y="5" width="20" height="12" rx="2" /></svg
    >end not in the log
  </li>
  <li>
    <svg viewBox="0 0 22 22" aria-hidden="true"><path class="expired" d="M6 7h10l-5 7z" /></svg>timer expires
  </li>
  <li>
    <svg viewBox="0 0 22 22" aria-hidden="true"><path class="broken" d="M6 6l10 10m0 -10l-10 10" /></svg>file
    system broken
  </li>
  <li>
    <svg viewBox="0 0 22 22" aria-hidden="true"><circle class="back" cx="11" cy="11" r="7" /></svg>back
  </li>
  <li>
    <svg viewBox="0 0 22 22" aria-hidden="true"><path class="cause-sign" d="M11 3l8 8l-8 8l-8 -8z" /></svg
    >another cause
  </li>
</ul>`
