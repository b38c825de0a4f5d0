/** A phrase that documentation, comments and messages must not use. */
export interface BannedPhrase {
  readonly pattern: RegExp
  /** What to write instead. */
  readonly instead: string
  /** Why the phrase is hard to read. */
  readonly why: string
}

const NO_ACTOR = 'it hides who acts'
const ARCHAIC = 'it is archaic or translated'
const RIDDLE = 'the reader has to guess the noun'

/** The house word list. Plain technical English: subject first, the actor named, terms of the field. */
export const BANNED: readonly BannedPhrase[] = [
  { pattern: /\bwhoever\b/i, instead: 'the agent, the caller, a process, a user', why: NO_ACTOR },
  { pattern: /\b(?:some|any)body\b/i, instead: 'a user, another process, other software', why: NO_ACTOR },
  { pattern: /\bnobody\b/i, instead: '"no process", "not in use", or the passive', why: NO_ACTOR },
  { pattern: /\banew\b/i, instead: '"again", or a verb with re-: remount, reload', why: ARCHAIC },
  { pattern: /\bshall\b/i, instead: 'must, will', why: 'it is ambiguous outside standards' },
  { pattern: /\bfor ever\b/i, instead: 'forever, without a limit', why: ARCHAIC },
  {
    pattern: /\bby (?:it|them)sel(?:f|ves)\b/i,
    instead: 'automatically, alone, separately',
    why: 'it has three meanings',
  },
  {
    pattern: /\bso (?:long|many|much)\b/i,
    instead: '"for N seconds", "this many", "as long as"',
    why: ARCHAIC,
  },
  {
    pattern: /(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b|such\b)/i,
    instead: '"is not a …"',
    why: 'a negated noun is read twice; negate the verb',
  },
  { pattern: /\bwhat waits\b/i, instead: 'held I/O, held data, dirty pages', why: RIDDLE },
  { pattern: /\bunless told\b/i, instead: '"Default: …"', why: NO_ACTOR },
  { pattern: /\bsays it, too\b/i, instead: '"Also VARIABLE."', why: RIDDLE },
  { pattern: /\bmend(?:s|ed|ing)?\b/i, instead: 'repair, restore, fix', why: ARCHAIC },
  { pattern: /\bheed(?:s|ed|ing)?\b/i, instead: 'respect, follow', why: ARCHAIC },
  { pattern: /\bfares?\b/i, instead: '"its condition", "its health"', why: ARCHAIC },
  {
    pattern: /\bsome (?:ten|dozen|hundred|thousand)s?\b/i,
    instead: '"about ten", "several hundred"',
    why: 'it reads as a count of one',
  },
  { pattern: /\bas it comes\b/i, instead: 'with default settings', why: RIDDLE },
  { pattern: /\bgoes on from what is there\b/i, instead: 'continues from the current state', why: RIDDLE },
  { pattern: /\bI\/O goes on\b/i, instead: 'I/O resumes, I/O continues', why: ARCHAIC },
  { pattern: /\bis told of\b/i, instead: 'is called for, receives', why: NO_ACTOR },
  {
    pattern: /\bThe same, (?:where|whoever|for)\b/,
    instead: 'a full sentence, or "Like {@link name}, …"',
    why: 'it says nothing in an editor',
  },
]

/** A banned phrase that was found. */
export interface Violation {
  /** Counted from 1. */
  readonly line: number
  /** For the person who fixes it: phrase, replacement, reason. */
  readonly message: string
}

/** The banned phrases in a text. */
export function violationsIn(text: string): Violation[] {
  return text.split('\n').flatMap((line, at) =>
    BANNED.flatMap(({ pattern, instead, why }) => {
      const found = pattern.exec(line)?.[0]
      return found === undefined
        ? []
        : [{ line: at + 1, message: `"${found.trim()}": write ${instead}, because ${why}` }]
    }),
  )
}
