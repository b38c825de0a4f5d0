import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'

const it = onNode({
  packages: ['zsh', 'fish'],
  iscsid: false,
  after: 'keep',
  async prepare(node) {
    for (const shell of ['bash', 'zsh', 'fish'])
      await node.write(`/tmp/lunkeeper.${shell}`, await node.sh(`lunkeeper completion ${shell}`))
    await node.mkdir('/var/lib/lunkeeper/volumes')
    for (const name of ['db', 'web']) await node.write(`/var/lib/lunkeeper/volumes/${name}.json`, '{}')
    await node.write('/tmp/placard.yaml', '')
    await node.mkdir('/tmp/place')
  },
})

/** The completions that fish offers for the last word of a line. */
async function fish(node: LabNode, line: string): Promise<string[]> {
  const out = await node.ok(['fish', '-N', '-c', 'source /tmp/lunkeeper.fish; complete -C $argv[1]', line], {
    cwd: '/tmp',
    env: { HOME: '/tmp', XDG_CONFIG_HOME: '/tmp', XDG_DATA_HOME: '/tmp' },
  })
  return out.stdout
    .split('\n')
    .filter(Boolean)
    .map((offered) => offered.split('\t')[0]!.replace(/\/$/, ''))
}

/** Started in a zsh on its own terminal: records what completion offers when ^T is typed. */
const OFFER = String.raw`
autoload -U compinit
compinit -u -D
source /tmp/lunkeeper.zsh
compadd() {
  # A call that only asks is answered; one that offers is written down, too.
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a found
  builtin compadd -A found "$@"
  print -rl -- $found >> /tmp/offered
  builtin compadd "$@"
}
offer() {
  zle list-choices
  BUFFER=
  : > /tmp/done
}
zle -N offer
bindkey '^T' offer
`.replaceAll('\\$', '$')

/** Types each line in turn, and prints the completions that were offered for it. */
const TYPE = String.raw`
zmodload zsh/zpty
zpty shell env TERM=dumb zsh -f -i
zpty -w shell 'source /tmp/offer.zsh'
for line in "$@"; do
  rm -f /tmp/done
  : > /tmp/offered
  zpty -w -n shell "$line"$'\x14'
  for ((i = 0; i < 600; i++)); do [[ -e /tmp/done ]] && break; sleep 0.1; done
  print -r -- \${(j: :)\${(f)"$(sort -u /tmp/offered)"}}
done
zpty -d shell
`.replaceAll('\\$', '$')

/** The completions that zsh offers for the last word of each line. One shell for all lines, because it takes seconds to start. */
async function zsh(node: LabNode, lines: readonly string[]): Promise<string[][]> {
  await node.write('/tmp/offer.zsh', OFFER)
  const { stdout } = await node.ok(['zsh', '-f', '-c', TYPE, 'zsh', ...lines], {
    cwd: '/tmp',
    deadline: 90_000,
  })
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').filter(Boolean))
}

const cases: [line: string, offered: string[], not: string][] = [
  ['lunkeeper ', ['attach', 'detach', 'expand', 'volumes', 'sessions', 'completion'], 'ext4'],
  ['lunkeeper attach --fs ', ['ext4', 'xfs'], 'session'],
  ['lunkeeper attach --hold-mode ', ['auto', 'map', 'session', 'multipathd'], 'ext4'],
  ['lunkeeper attach --hold', ['--hold', '--hold-mode'], '--iqn'],
  ['lunkeeper attach -f pla', ['placard.yaml', 'place'], 'lunkeeper.zsh'],
  ['lunkeeper attach --mount pla', ['place'], 'placard.yaml'],
  ['lunkeeper detach ', ['db', 'web'], 'attach'],
  ['lunkeeper volumes ', ['db', 'web'], 'attach'],
  ['lunkeeper completion ', ['bash', 'zsh', 'fish'], 'db'],
]

describe('fish completes a command line', () => {
  it.for(cases)('"%s" offers %j', async ([line, offered, not], { node }) => {
    const all = await fish(node, line)
    expect(all).toEqual(expect.arrayContaining(offered))
    expect(all).not.toContain(not)
  })
})

describe('zsh completes a command line', () => {
  let shown: Promise<string[][]> | undefined

  it.for(cases.map(([line, offered, not], index) => ({ line, offered, not, index })))(
    '"$line" offers $offered',
    async ({ offered, not, index }, { node }) => {
      const all = await (shown ??= zsh(
        node,
        cases.map(([line]) => line),
      ))
      expect(all[index]).toEqual(expect.arrayContaining(offered))
      expect(all[index]).not.toContain(not)
    },
  )
})
