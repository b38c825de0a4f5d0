import { attachCommand } from '../../kept.ts'
import { escape } from '../../report/escape.ts'
import { card, document, key, table } from '../../report/parts.ts'
import type { SideName } from '../../volumes.ts'
import { BOTH, bytes, SIDES } from '../../words.ts'
import type { Split } from '../result.ts'
import { fate, headline, ROWS, scaling, story } from '../summary.ts'
import type { SplitVerdict } from '../verdict.ts'
import { isIntact } from '../verdict.ts'
import { NARROW, timeline, WIDE } from './timeline.ts'

/** A damaged file system has thousands of complaints. */
const SHOWN_COMPLAINTS = 12

function sideCard(verdict: SplitVerdict, name: SideName): string {
  const numbers = verdict.sides[name]
  const { foreignBytes, damage, lostBytes } = numbers
  return card(name, {
    isWell: isIntact(numbers),
    fate: fate(numbers),
    facts: [
      { what: 'foreign writes', value: bytes(foreignBytes), isGood: foreignBytes === 0 },
      { what: 'complaints of the check', value: String(damage.length), isGood: damage.length === 0 },
      {
        what: 'acknowledged, but lost',
        value: lostBytes === null ? '?' : bytes(lostBytes),
        isGood: lostBytes === 0,
      },
    ],
  })
}

function complaints({ sides, plan }: SplitVerdict & Pick<Split, 'plan'>): string {
  const shown = BOTH.flatMap((name) => {
    const { damage } = sides[name]
    if (damage.length === 0) return []
    const rest = damage.length - SHOWN_COMPLAINTS
    const lines = [...damage.slice(0, SHOWN_COMPLAINTS), ...(rest > 0 ? [`… and ${rest} more`] : [])]
    return [`<h3>${escape(SIDES[name])}</h3><pre>${escape(lines.join('\n'))}</pre>`]
  })
  return shown.length === 0
    ? ''
    : `<h2>What ${plan.fs === 'xfs' ? 'xfs_repair -n' : 'e2fsck -fn'} said</h2>${shown.join('')}`
}

/** The report of a split drill: one self-contained HTML file. */
export function splitPage(split: Split, verdict: SplitVerdict): string {
  const { plan, words } = split
  const command = (more: readonly string[]) => attachCommand({ hold: plan.hold, fs: plan.fs, more }).join(' ')
  const commands = [
    `# ${SIDES.stock}, on both nodes: node.session.timeo.replacement_timeout = ${plan.timer}`,
    `iscsiadm -m node -T … -p … --login && mount /dev/disk/by-path/… …`,
    '',
    `# ${SIDES.lunkeeper}, on node-a`,
    'lunkeeper agent &',
    command(['--format']),
    '# on node-b, once node-a is cut off',
    command(['--take-over']),
  ]
  return document(
    `Split drill: ${headline(verdict)}`,
    `<h1>${escape(headline(verdict))}</h1>
<p>${escape(story(split))}</p>
<p class="note">${escape(scaling(split))}</p>
<div class="cards">${BOTH.map((name) => sideCard(verdict, name)).join('')}</div>
${timeline(split, verdict, WIDE)}${timeline(split, verdict, NARROW)}
${key('as it should be', 'waits', 'damage')}
<h2>Numbers</h2>
${table(ROWS, verdict.sides)}
${words === null ? '' : `<h2>What the agent on node-a said</h2><pre>${escape(words)}</pre>`}
${complaints({ ...verdict, plan })}
<h2>What was run</h2>
<pre>${escape(commands.join('\n'))}</pre>`,
  )
}
