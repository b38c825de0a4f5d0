import { LunkeeperError } from '../../model/errors.ts'
import { lastWords } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

/** multipathd answers one command after the other, and a path checker may hold it for some seconds. */
const DEADLINE = 30_000

/**
 * Asks multipathd for a map over a disk that it may not have thought worth one: by default it waits for
 * a second path, or for the WWID to be known (find_multipaths).
 * @throws MAP_FAILED
 */
export async function addPath(host: Host, disk: string): Promise<void> {
  // `multipath -a` makes the WWID known; without it a map of one path is refused.
  const known = await host.run('multipath', ['-a', deviceNode(host, disk)], { deadline: DEADLINE })
  if (known.code !== 0) throw new LunkeeperError('MAP_FAILED', `multipath -a ${disk}: ${lastWords(known)}`)
  const added = await host.run('multipathd', ['add', 'path', disk], { deadline: DEADLINE })
  if (added.code !== 0 || /^fail/m.test(added.stdout))
    throw new LunkeeperError('MAP_FAILED', `multipathd add path ${disk}: ${lastWords(added)}`)
}

/**
 * Removes a map that nobody uses; multipathd flushes it and stops its queueing first.
 * @throws BUSY somebody has it open · MAP_FAILED
 */
export async function removeMap(host: Host, name: string): Promise<void> {
  const ran = await host.run('multipath', ['-f', name], { deadline: DEADLINE })
  if (ran.code === 0) return
  const said = lastWords(ran)
  throw new LunkeeperError(
    /in use|busy/i.test(said) ? 'BUSY' : 'MAP_FAILED',
    `the map ${name} was not removed: ${said}`,
  )
}

/** Forgets a WWID that {@link addPath} made known. */
export async function forgetWwid(host: Host, disk: string): Promise<void> {
  await host.run('multipath', ['-w', deviceNode(host, disk)], { deadline: DEADLINE })
}

/** Ends the waiting of a map without paths: what waits fails now. @throws MAP_FAILED */
export async function stopQueueing(host: Host, name: string): Promise<void> {
  const ran = await host.run('multipathd', ['disablequeueing', 'map', name], { deadline: DEADLINE })
  if (ran.code !== 0)
    throw new LunkeeperError('MAP_FAILED', `multipathd disablequeueing ${name}: ${lastWords(ran)}`)
}

/** Has multipathd take over the new size of the paths. @throws RESIZE_FAILED */
export async function resizeMap(host: Host, name: string): Promise<void> {
  const ran = await host.run('multipathd', ['resize', 'map', name], { deadline: DEADLINE })
  if (ran.code !== 0 || /^fail/m.test(ran.stdout))
    throw new LunkeeperError('RESIZE_FAILED', `the map ${name} did not grow: ${lastWords(ran)}`)
}
