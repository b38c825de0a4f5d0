import type { HostPaths } from '../paths.ts'
import { linkName, listNames, readAttribute, readLink } from './attribute.ts'

/** A process that has a device open. */
export interface Opener {
  readonly pid: number
  readonly command: string
}

/**
 * The processes, other than this one, that have one of these devices open (names under /dev), whether
 * they claim it or not: a virtual machine's disk is seen by nothing else. The short form of
 * `findUsers`, for a question that each detach asks.
 */
export function findOpeners(paths: HostPaths, deviceNames: readonly string[]): Opener[] {
  const devices = new Set(deviceNames.map((name) => `/dev/${name}`))
  const me = linkName(`${paths.proc}/self`)
  const openers: Opener[] = []
  for (const pid of listNames(paths.proc)) {
    if (!/^\d/.test(pid) || pid === me) continue
    const files = `${paths.proc}/${pid}/fd`
    // Kernel threads have none.
    if (listNames(files).some((file) => devices.has(readLink(`${files}/${file}`) ?? '')))
      openers.push({ pid: Number(pid), command: readAttribute(`${paths.proc}/${pid}/comm`) ?? '?' })
  }
  return openers
}
