/** A part of the text of a fix: a command that can be copied, or words. */
export interface FixPart {
  readonly kind: 'command' | 'words'
  readonly text: string
}

/** Programs whose name begins a command in a fix that does not mark its commands. */
const PROGRAMS = [
  'lunkeeper',
  'systemctl',
  'dmsetup',
  'multipath',
  'vgchange',
  'cryptsetup',
  'umount',
  'iscsiadm',
  'modprobe',
  'chmod',
]

const BARE = new RegExp(`(?<![\\w/-])(?:${PROGRAMS.join('|')})(?: [^\\s;,()]+)+`)
/** Words that go on with the sentence in which a command is written. */
const END =
  / (?:then|and|or|again|on|which|if|while|until|once|when|where|to|above|below|by|of|is|it|the|restores|removes|extends|shows|says|fails)\b.*$/s

/**
 * Takes a fix apart, so that each command in it can be copied: those in backticks, and those that begin with the name of a
 * program.
 */
export function fixParts(fix: string): FixPart[] {
  return fix
    .split(/`([^`]+)`/)
    .flatMap((text, at) => (at % 2 === 1 ? [{ kind: 'command' as const, text }] : bare(text)))
    .filter(({ text }) => text !== '')
}

function bare(text: string): FixPart[] {
  const found = BARE.exec(text)
  if (!found) return [{ kind: 'words', text }]
  const command = found[0].replace(END, '').replace(/[.:]+$/, '')
  const after = found.index + command.length
  return [
    { kind: 'words', text: text.slice(0, found.index) },
    { kind: 'command', text: command },
    ...bare(text.slice(after)),
  ]
}
