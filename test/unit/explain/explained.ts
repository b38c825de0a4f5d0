import { createReadStream } from 'node:fs'
import { join } from 'node:path'

import { explain } from '../../../src/explain/explain.ts'
import type { Explanation, Outage } from '../../../src/explain/report.ts'

export const NOW = new Date('2026-11-21T12:00:00Z')

/** Explains a log given as text, in pieces of `piece` bytes. */
export function explainLog(text: string, { now = NOW, piece = 1 << 20 } = {}): Promise<Explanation> {
  return explain(pieces(Buffer.from(text), piece), { now })
}

export function explainRecorded(name: string): Promise<Explanation> {
  return explain(createReadStream(join(import.meta.dirname, 'logs', name)), { now: NOW })
}

export function outagesOf({ sessions }: Explanation): readonly Outage[] {
  return sessions.flatMap(({ outages }) => outages)
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
