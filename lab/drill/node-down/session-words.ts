import type { SideName } from '../volumes.ts'
import type { SessionState } from './watch.ts'

/** The condition of something. If it is shown as a colour, the text beside it says the same. */
export type Tone = 'well' | 'waits' | 'bad'

export interface Standing {
  readonly tone: Tone
  readonly name: string
}

const WORDS: Readonly<Record<SessionState, Standing>> = {
  LOGGED_IN: { tone: 'well', name: 'logged in' },
  FAILED: { tone: 'waits', name: 'lost, its timer runs' },
  FREE: { tone: 'bad', name: 'lost, its timer ran out' },
  none: { tone: 'waits', name: 'none' },
}

/** What a session state of the kernel means for one side, for a volume held in this mode. */
export function sessionWords(name: SideName, mode: string, state: SessionState): Standing {
  // a hold map's session has a timer of 0: that it expired only means that the connection is lost
  const held = name === 'lunkeeper' && mode === 'map' && (state === 'FAILED' || state === 'FREE')
  return held ? { tone: 'waits', name: 'lost' } : WORDS[state]
}
