import type { Clock, NodeInfo } from '../api/documents.ts'
import type { Parts } from '../observe/protocol.ts'
import type { Outage } from '../../model/outage.ts'

/** What the page knows of the node: the last data of each event; null before the first. */
export type Model = {
  readonly [Name in keyof Documents]: Documents[Name] | null
}

/** Data of each event but the clock. */
export interface Documents extends Parts {
  readonly node: NodeInfo
  readonly outages: readonly Outage[]
}

export type { Clock }

export const NOTHING_YET: Model = {
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

/** What the page knows of its user and its connection. */
export interface Ui {
  /** Milliseconds since 1970 by the node's clock. */
  readonly nowMs: number
  readonly connection: 'connecting' | 'live' | 'lost' | 'refused'
  /** Why it is lost or refused. */
  readonly reason: string | null
  /** What volumes are filtered by. */
  readonly filter: string
  /** Targets that the user has opened or closed. */
  readonly open: Readonly<Record<string, boolean>>
  /** The command that was copied last. */
  readonly copied: string | null
  /** Whether the user has given a token. */
  readonly hasToken: boolean
  readonly dialog: DialogName | null
  /** What became of the last change. */
  readonly notice: { readonly isGood: boolean; readonly text: string } | null
  /** Whether a change is under way. */
  readonly isBusy: boolean
}

export const FRESH: Ui = {
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
