import type { Unwritten } from '../../model/plan/dirty-limit.ts'
import type { HostPaths } from '../paths.ts'
import { readText } from '../read/attribute.ts'

/** The dirty pages of the node and their limits, from one file; null if the kernel does not report them. */
export function readDirtyPages({ proc }: HostPaths): Unwritten | null {
  const text = readText(`${proc}/vmstat`)
  if (text === null) return null
  const counts = new Map(text.split('\n').map((line) => line.split(' ') as [string, string]))
  const count = (name: string) => Number(counts.get(name) ?? Number.NaN)
  const pages = count('nr_dirty') + count('nr_writeback')
  const cached = count('nr_active_file') + count('nr_inactive_file')
  const unwritten = {
    pages,
    limit: count('nr_dirty_threshold'),
    background: count('nr_dirty_background_threshold'),
    spare: Math.max(count('nr_free_pages') + cached - pages, 0),
  }
  return Object.values(unwritten).some(Number.isNaN) ? null : unwritten
}
