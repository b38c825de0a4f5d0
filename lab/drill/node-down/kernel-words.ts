import type { LabNode } from '../../index.ts'
import type { SideName } from '../volumes.ts'

/** A line of the kernel's log that belongs to the story. */
export interface KernelWord {
  /** milliseconds since 1970 */
  readonly at: number
  readonly text: string
  /** the side that it belongs to, if the line names a session */
  readonly side: SideName | null
}

const TELLING =
  /detected conn error|session recovery timed out|Aborting journal|[Rr]emounting filesystem read-only|Shutting down filesystem|log I\/O error|Detected aborted journal|EXT4-fs error \(|writeback error/

/** The lines about lost sessions and broken file systems, each text when it first appeared. */
export async function kernelWords(
  node: LabNode,
  sideOf: ReadonlyMap<string, SideName>,
): Promise<KernelWord[]> {
  const [uptime = 0, now = 0] = (await node.sh('cut -d" " -f1 /proc/uptime; date +%s.%N'))
    .split('\n')
    .map(Number)
  const heard = new Set<string>()
  // do not read the kernel's own buffer: a broken file system that is written to fills it within minutes
  return node.console.split('\n').flatMap((line) => {
    const [, seconds, text = ''] = /\[ *([\d.]+)\] (.*)/.exec(line) ?? []
    if (!TELLING.test(text) || heard.has(text)) return []
    heard.add(text)
    const number = /^ *(?:session|connection)(\d+)/.exec(text)?.[1]
    const side = sideOf.get(`session${number}`) ?? null
    return [{ at: Math.round((now - uptime + Number(seconds)) * 1000), text: text.trim(), side }]
  })
}
