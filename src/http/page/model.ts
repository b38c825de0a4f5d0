import type { NodeInfo, ServerClock } from '../api/documents.ts'
import type { Parts } from '../observe/protocol.ts'
import type { VolumeOutage } from '../../model/outage.ts'

/** The state of the node: the last data of each event, null before the first. */
export type Model = {
  readonly [Name in keyof Documents]: Documents[Name] | null
}

/** The data of each event, except `clock`. */
export interface Documents extends Parts {
  readonly node: NodeInfo
  readonly outages: readonly VolumeOutage[]
}

export type { ServerClock }

export const EMPTY_MODEL: Model = {
  node: null,
  volumes: null,
  sessions: null,
  mounts: null,
  findings: null,
  outages: null,
}

export type DialogName =
  | { readonly kind: 'token' }
  | { readonly kind: 'hold' | 'give-up'; readonly volume: string }
  | { readonly kind: 'fix' }

/** The state of the page itself: its connection, and what the user has entered and opened. */
export interface Ui {
  /** The time by the node's clock, in milliseconds since 1970. */
  readonly nowMs: number
  readonly connection: 'connecting' | 'live' | 'lost' | 'refused'
  /** Why the connection is lost or refused. */
  readonly reason: string | null
  /** The text of the filter for volumes. */
  readonly filter: string
  /** By IQN: whether the user has opened or closed the target. */
  readonly open: Readonly<Record<string, boolean>>
  /** The command that was copied last. */
  readonly copied: string | null
  /** Whether the user has given a token. */
  readonly hasToken: boolean
  readonly dialog: DialogName | null
  /** The result of the last change. */
  readonly notice: { readonly isGood: boolean; readonly text: string } | null
  /** Whether a change is in progress. */
  readonly isBusy: boolean
}

export const INITIAL_UI: Ui = {
  nowMs: 0,
  connection: 'connecting',
  reason: null,
  filter: '',
  open: {},
  copied: null,
  hasToken: false,
  dialog: null,
  notice: null,
  isBusy: false,
}
