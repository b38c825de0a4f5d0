/** A part of a fix's text: a command, which can be copied, or words. */
export interface FixPart {
  readonly kind: 'command' | 'words'
  readonly text: string
}

/** In a text without backticks, a command begins with the name of one of these programs. */
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

const UNMARKED_COMMAND = new RegExp(`(?<![\\w/-])(?:${PROGRAMS.join('|')})(?: [^\\s;,()]+)+`)
/** Words with which a sentence continues after a command. */
const SENTENCE_CONTINUES =
  / (?:then|and|or|again|on|which|if|while|until|once|when|where|to|above|below|by|of|is|it|the|restores|removes|extends|shows|says|fails)\b.*$/s

/**
 * Splits the text of a fix into words and commands: those in backticks, and those that begin with the name of a
 * program.
 */
export function fixParts(fix: string): FixPart[] {
  return fix
    .split(/`([^`]+)`/)
    .flatMap((text, at) => (at % 2 === 1 ? [{ kind: 'command' as const, text }] : splitUnmarked(text)))
    .filter(({ text }) => text !== '')
}

function splitUnmarked(text: string): FixPart[] {
  const found = UNMARKED_COMMAND.exec(text)
  if (!found) return [{ kind: 'words', text }]
  const command = found[0].replace(SENTENCE_CONTINUES, '').replace(/[.:]+$/, '')
  const after = found.index + command.length
  return [
    { kind: 'words', text: text.slice(0, found.index) },
    { kind: 'command', text: command },
    ...splitUnmarked(text.slice(after)),
  ]
}
