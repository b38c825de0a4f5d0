import { keptCommands } from '../kept.ts'
import type { Verdict } from '../numbers.ts'
import { isWell } from '../numbers.ts'
import type { Drill } from '../result.ts'
import type { SideName } from '../scene.ts'
import { headline, readBack, ROWS } from '../summary.ts'
import { bytes, fate, scaling, SIDES, span, story } from '../words.ts'
import { chart } from './chart.ts'
import { escape } from './escape.ts'
import { NARROW, WIDE } from './scales.ts'
import { STYLE } from './style.ts'

const BOTH = ['stock', 'lunkeeper'] as const

/** What a glance is for. */
function card(verdict: Verdict, name: SideName): string {
  const numbers = verdict.sides[name]
  const { errors, lostBytes, longestPauseSeconds, wentOn } = numbers
  const pause = span(longestPauseSeconds * 1000)
  const well = isWell(numbers)
  const fact = (what: string, value: string, good: boolean) =>
    `<div><dt>${escape(what)}</dt><dd class="${good ? 'good' : 'fail'}">${escape(value)}</dd></div>`
  return (
    `<section class="card"><h2>${escape(SIDES[name])}</h2>` +
    `<p class="fate"><b class="${well ? 'good' : 'fail'}">${well ? '✓' : '✗'}</b> ${escape(fate(numbers))}</p><dl>` +
    fact(wentOn ? 'longest pause' : 'stopped, to the end', pause, wentOn) +
    fact('errors', String(errors), errors === 0) +
    fact('acknowledged, but lost', lostBytes === null ? '?' : bytes(lostBytes), lostBytes === 0) +
    `</dl></section>`
  )
}

const key = `<ul class="key">${(
  [
    ['well', 'all is well'],
    ['waits', 'waits'],
    ['bad', 'fails'],
  ] as const
)
  .map(([tone, words]) => `<li><span class="${tone}"></span>${words}</li>`)
  .join('')}</ul>`

function table({ sides }: Verdict): string {
  const rows = ROWS.map(
    ({ what, of }) =>
      `<tr><th scope="row">${escape(what)}</th>${BOTH.map((name) => `<td>${escape(of(sides[name]))}</td>`).join('')}</tr>`,
  )
  const heads = BOTH.map((name) => `<th scope="col">${escape(SIDES[name])}</th>`)
  return `<table><thead><tr><td></td>${heads.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function kernelWords({ words, killed }: Drill): string {
  if (words.length === 0) return ''
  const rows = words.map(({ at, text, side }) => {
    const seconds = ((at - killed) / 1000).toFixed(1)
    return `<tr><td>${seconds} s</td><td>${side ? escape(SIDES[side]) : ''}</td><td><code>${escape(text)}</code></td></tr>`
  })
  return `<h2>What the node's kernel said</h2><p class="soft">Seconds since the storage machine's death. A hold map's session has a timer of 0 on purpose: the map does the waiting.</p><table class="log"><tbody>${rows.join('')}</tbody></table>`
}

/** The report of a drill: one HTML file that needs no other. */
export function page(drill: Drill, verdict: Verdict): string {
  const { plan, mode } = drill
  const commands = [
    `# ${SIDES.stock}: node.session.timeo.replacement_timeout = ${plan.timer}`,
    `iscsiadm -m node -T … -p … --login && mkfs.${plan.fs} /dev/disk/by-path/… && mount …`,
    '',
    `# ${SIDES.lunkeeper}: hold mode ${mode}`,
    ...keptCommands(plan),
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Drill: ${escape(headline(verdict))}</title><style>${STYLE}</style></head>
<body><main>
<h1>${escape(headline(verdict)).replaceAll(/(\d) (?=s\b)/g, '$1&nbsp;')}</h1>
<p>${escape(story(drill))}</p>
<p class="note">${escape(scaling(plan))}</p>
<div class="cards">${BOTH.map((name) => card(verdict, name)).join('')}</div>
${chart(drill, WIDE)}${chart(drill, NARROW)}
${key}
<p class="soft">A dot is a block of 4 KiB, written and synced; a cross is one that failed; a slope is a write that waits. Height is
the time that it took, each line ten times the one below it; along the bottom, seconds since the storage machine's death.</p>
<h2>Numbers</h2>
${table(verdict)}
<p class="soft" style="margin-top:12px">${escape(readBack(drill))}</p>
${kernelWords(drill)}
<h2>What was run</h2>
<pre>${escape(commands.join('\n'))}</pre>
</main></body></html>
`
}
