import type { Hold } from '../../model/hold.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import type { Chap } from '../../model/secret.ts'

// The text of open-iscsi's node records and of iscsid.conf: one `key = value` per line (usr/idbm.c).

/** The settings that our sessions need, which override those of iscsid.conf. */
export interface LoginSettings {
  /** Recovery timer of the session. */
  readonly recovery: Hold
  /** Null to use the credentials in the record or in iscsid.conf. */
  readonly chap: Chap | null
}

/** The settings for sessions in a record or in iscsid.conf. If a key is repeated, its last value counts. */
export function settingsIn(text: string): Lines {
  const found = new Map<string, string>()
  for (const line of text.split('\n')) {
    const key = keyOf(line)
    if (key && /^(node|iface)\./.test(key)) found.set(key, line.slice(line.indexOf('=') + 1).trim())
  }
  return [...found]
}

/** Whether open-iscsi scans for LUNs at login, according to a record: `auto` or `manual`. */
export function scanIn(text: string): string {
  return /^node\.session\.scan = (\w+)$/m.exec(text)?.[1] ?? 'auto'
}

/** The text of a record with our settings on top, for a login that does not change the file. */
export function overlayText(text: string, settings: LoginSettings): string {
  const own = [...loginLines(settings), ...pingLines(settingsIn(text))]
  const isOwn = (key: string | null) =>
    own.some(([mine]) => mine === key) || (settings.chap !== null && key !== null && CREDENTIAL.test(key))
  const kept = text.split('\n').filter((line) => !isOwn(keyOf(line)) && !line.startsWith('# END RECORD'))
  return endedRecord(kept, own)
}

/** The text of a record with its credentials replaced. */
export function withCredentials(text: string, chap: Chap): string {
  const kept = text.split('\n').filter((line) => {
    const key = keyOf(line)
    return !(key !== null && CREDENTIAL.test(key)) && !line.startsWith('# END RECORD')
  })
  return endedRecord(kept, chapLines(chap))
}

function endedRecord(kept: readonly string[], own: Lines): string {
  return `${kept.join('\n').trimEnd()}\n${own.map(([key, value]) => `${key} = ${value}\n`).join('')}# END RECORD\n`
}

/** Settings in the order of the text. */
export type Lines = readonly (readonly [key: string, value: string])[]

/**
 * The text of a new record, as `iscsiadm -o new` would write it, with our settings on top.
 * @param site the text of iscsid.conf
 */
export function newRecordText(iqn: Iqn, portal: Portal, site: string, settings: LoginSettings): string {
  const defaults = settingsIn(site)
  const own = new Map<string, string>([
    ['node.name', iqn],
    ['node.tpgt', '-1'],
    ['node.startup', 'manual'],
    ['node.discovery_type', 'static'],
    ['iface.iscsi_ifacename', 'default'],
    ['iface.transport_name', 'tcp'],
    ['node.conn[0].address', portal.host],
    ['node.conn[0].port', String(portal.port)],
    ['node.conn[0].startup', 'manual'],
    ...loginLines(settings),
    ...pingLines(defaults),
  ])
  const all = [
    ...defaults.filter(([key]) => !own.has(key) && !(settings.chap && CREDENTIAL.test(key))),
    ...own,
  ]
  return `# BEGIN RECORD 2.1\n${all.map(([key, value]) => `${key} = ${value}\n`).join('')}# END RECORD\n`
}

function loginLines({ recovery, chap }: LoginSettings): Lines {
  return [
    ['node.session.scan', 'manual'],
    ['node.session.timeo.replacement_timeout', recovery === 'forever' ? '-1' : String(recovery)],
    // Limits the first login to one login_timeout (15 s). Only portals that accepted a connection a moment ago are tried,
    // so a longer wait would not help.
    ['node.session.initial_login_retry_max', '1'],
    ...(chap ? chapLines(chap) : []),
  ]
}

/**
 * The maximum of the interval and the timeout of pings, in seconds: open-iscsi's default. A target that fails silently is
 * detected after the sum of the two (usr/initiator.c), and many sites disable pings or set high values.
 */
const MAX_PING_S = 5

function pingLines(site: Lines): Lines {
  return ['node.conn[0].timeo.noop_out_interval', 'node.conn[0].timeo.noop_out_timeout'].map((key) => {
    const set = Number(site.findLast(([name]) => name === key)?.[1])
    return [key, String(set >= 1 && set <= MAX_PING_S ? set : MAX_PING_S)] as const
  })
}

/** Settings that are replaced together by given credentials. The hash algorithms (chap_algs) stay as the site set them. */
const CREDENTIAL = /^node\.session\.auth\.(?:authmethod|(?:username|password)(?:_in)?)$/

function chapLines(chap: Chap): Lines {
  const both = chap.mutual
  return [
    ['node.session.auth.authmethod', 'CHAP'],
    ['node.session.auth.username', chap.username],
    ['node.session.auth.password', chap.password.reveal()],
    ...(both
      ? ([
          ['node.session.auth.username_in', both.username],
          ['node.session.auth.password_in', both.password.reveal()],
        ] as const)
      : []),
  ]
}

function keyOf(line: string): string | null {
  return /^\s*([a-z][\w.[\]]*)\s*=/i.exec(line)?.[1] ?? null
}
