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
 * `findUsers`, for a question that each detach asks. Kernel threads, children of process 2, have no files;
 * there are hundreds of them.
 */
export function findOpeners(paths: HostPaths, deviceNames: readonly string[]): Opener[] {
  const devices = new Set(deviceNames.map((name) => `/dev/${name}`))
  const me = linkName(`${paths.proc}/self`)
  const openers: Opener[] = []
  const kernelThreads = new Set(readAttribute(`${paths.proc}/2/task/2/children`)?.split(' '))
  for (const pid of listNames(paths.proc)) {
    if (!/^\d/.test(pid) || pid === me || kernelThreads.has(pid)) continue
    const files = `${paths.proc}/${pid}/fd`
    if (listNames(files).some((file) => devices.has(readLink(`${files}/${file}`) ?? '')))
      openers.push({ pid: Number(pid), command: readAttribute(`${paths.proc}/${pid}/comm`) ?? '?' })
  }
  return openers
}
