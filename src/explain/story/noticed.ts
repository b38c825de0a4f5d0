import type { Noticing } from '../report.ts'

// enum iscsi_err of include/scsi/iscsi_if.h; the codes that an initiator sees in an outage.
const CODES: Readonly<Record<number, readonly [Noticing, string]>> = {
  1008: ['protocol', 'the target broke the protocol'],
  1001: ['failed', 'commands came out of sequence'],
  1011: ['failed', 'the connection failed'],
  1013: ['failed', 'the session failed'],
  1014: ['protocol', 'a header arrived damaged (digest)'],
  1015: ['protocol', 'data arrived damaged (digest)'],
  1019: ['failed', 'sending failed'],
  1020: ['closed', 'the connection was closed by the other side or the network'],
  1021: ['reset', 'the SCSI error handling dropped the session'],
  1022: ['silent', 'the target did not answer a ping'],
}

/** What an error code of the kernel shows about how the loss was detected. */
export function noticedBy(code: number): { how: Noticing; code: number; words: string } {
  const [how, words] = CODES[code] ?? ['protocol', 'the connection was dropped']
  return { how, code, words }
}
