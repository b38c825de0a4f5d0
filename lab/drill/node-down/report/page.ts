import { keptCommands } from '../commands.ts'
import type { Verdict } from '../numbers.ts'
import { isWell } from '../numbers.ts'
import type { Drill } from '../result.ts'
import type { SideName } from '../../volumes.ts'
import { headline, readBack, ROWS } from '../summary.ts'
import { BOTH, bytes, SIDES, span } from '../../words.ts'
import { fate, scaling, story } from '../words.ts'
import { chart } from './chart.ts'
import { escape } from '../../report/escape.ts'
import { NARROW, WIDE } from './scales.ts'
import { card, document, key, table } from '../../report/parts.ts'

function sideCard(verdict: Verdict, name: SideName): string {
  const numbers = verdict.sides[name]
  const { errors, lostBytes, longestPauseSeconds, wentOn } = numbers
  return card(name, {
    isWell: isWell(numbers),
    fate: fate(numbers),
    facts: [
      {
        what: wentOn ? 'longest pause' : 'stopped, to the end',
        value: span(longestPauseSeconds * 1000),
        isGood: wentOn,
      },
      { what: 'errors', value: String(errors), isGood: errors === 0 },
      {
        what: 'acknowledged, but lost',
        value: lostBytes === null ? '?' : bytes(lostBytes),
        isGood: lostBytes === 0,
      },
    ],
  })
}

function kernelWords({ words, killed }: Drill): string {
  if (words.length === 0) return ''
  const rows = words.map(({ at, text, side }) => {
    const seconds = ((at - killed) / 1000).toFixed(1)
    return `<tr><td>${seconds} s</td><td>${side ? escape(SIDES[side]) : ''}</td><td><code>${escape(text)}</code></td></tr>`
  })
  return `<h2>What the node's kernel said</h2><p class="soft">Seconds since the storage machine's death. A hold map's session has a timer of 0 on purpose: the map does the waiting.</p><table class="log"><tbody>${rows.join('')}</tbody></table>`
}

/** The report of a drill: one self-contained HTML file. */
export function page(drill: Drill, verdict: Verdict): string {
  const { plan, mode } = drill
  const commands = [
    `# ${SIDES.stock}: node.session.timeo.replacement_timeout = ${plan.timer}`,
    `iscsiadm -m node -T … -p … --login && mkfs.${plan.fs} /dev/disk/by-path/… && mount …`,
    '',
    `# ${SIDES.lunkeeper}: hold mode ${mode}`,
    ...keptCommands(plan),
  ]
  return document(
    `Drill: ${headline(verdict)}`,
    `<h1>${escape(headline(verdict)).replaceAll(/(\d) (?=s\b)/g, '$1&nbsp;')}</h1>
<p>${escape(story(drill))}</p>
<p class="note">${escape(scaling(plan))}</p>
<div class="cards">${BOTH.map((name) => sideCard(verdict, name)).join('')}</div>
${chart(drill, WIDE)}${chart(drill, NARROW)}
${key('all is well', 'waits', 'fails')}
<p class="soft">A dot is a block of 4 KiB, written and synced; a cross is one that failed; a slope is a write that waits. Height is
the time that it took, each line ten times the one below it; along the bottom, seconds since the storage machine's death.</p>
<h2>Numbers</h2>
${table(ROWS, verdict.sides)}
<p class="soft" style="margin-top:12px">${escape(readBack(drill))}</p>
${kernelWords(drill)}
<h2>What was run</h2>
<pre>${escape(commands.join('\n'))}</pre>`,
  )
}
