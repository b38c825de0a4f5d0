import type { VolumeModel } from '../model.ts'
import { Violation } from '../violation.ts'
import type { World } from '../world.ts'
import { unwritten, wrongStamp } from './stamps.ts'

/** The file in a file system that the histories write to. */
export const FILE = 'f'

/**
 * Reads a file system as it is on the target: every confirmed block is in its file. If it was unmounted, it is
 * clean; otherwise its journal is replayed first, as after a crash.
 * @throws Violation unclean lost
 */
export async function inspectFileSystem(world: World, volume: VolumeModel, clean: boolean): Promise<void> {
  const { name, ledger, tainted, kind } = volume
  if (kind === 'raw' || tainted || ledger.blocks.length === 0) return
  const before = ledger.blocks.map((block) => [block, ledger.confirmed(block)] as const)
  const seen = await world.inspect({ volume: name, path: `/${FILE}`, clean })
  // It was written to meanwhile.
  if (seen === null) return
  const { code, output } = seen.check
  // e2fsck(8): 1 means that errors were corrected, and also that a journal was replayed.
  if (code !== 0 && (clean || code !== 1))
    throw new Violation('unclean', name, `e2fsck ended with ${code}: ${output}`)
  const there = new Map(seen.blocks)
  for (const [block, confirmed] of before) {
    const stamps = there.get(block) ?? unwritten(name, block)
    // A write that was confirmed while the file was copied may or may not be in it.
    const allowed = [confirmed, ...ledger.allowed(block)]
    const wrong = wrongStamp(stamps, name, allowed)
    if (wrong !== undefined)
      throw new Violation(
        'lost',
        name,
        `block ${block} of its file has write ${wrong?.[1] ?? 'none'}; confirmed is ${confirmed}, possible ${allowed.join(' ')} (${seen.dump})`,
      )
  }
}
