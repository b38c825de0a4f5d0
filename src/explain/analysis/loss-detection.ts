import type { LossDetection } from '../report.ts'

// The codes of enum iscsi_err (include/scsi/iscsi_if.h) that an initiator logs during an outage.
const CODES: Readonly<Record<number, readonly [LossDetection, string]>> = {
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

/** How a loss was detected, by the kernel's error code. */
export function lossDetectionOf(code: number): { how: LossDetection; code: number; words: string } {
  const [how, words] = CODES[code] ?? ['protocol', 'the connection was dropped']
  return { how, code, words }
}
