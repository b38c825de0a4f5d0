import { createHash } from 'node:crypto'

import type { Portal } from '../../model/portal.ts'
import { formatPortal, samePortal } from '../../model/portal.ts'
import type { VolumeSource } from '../volume/attributes.ts'

/** The CSI specification's limit for an ID, in bytes. */
const MAX_HANDLE_BYTES = 128

/** A volume of the input: the location of its LUN, and its previous handle. */
export interface Candidate {
  readonly name: string
  /** Null if it had none, as an in-tree volume. */
  readonly handle: string | null
  readonly source: VolumeSource
}

export interface Handle {
  readonly handle: string
  readonly notes: readonly string[]
}

/**
 * A handle for each volume. Kubelets and the driver treat equal handles as one volume, so a handle shared by different
 * LUNs is replaced for all of them. A new handle depends only on the volume (IQN, LUN and all portals), not on the
 * order of the input or on other volumes in it.
 */
export function handlesOf(candidates: readonly Candidate[]): readonly Handle[] {
  const wanted = candidates.map(({ handle, source }) =>
    handle !== null && isLegal(handle) ? handle : derived(source),
  )
  // Only volumes with something in common are compared: a cluster may have thousands of volumes.
  const keys = candidates.map(({ source: { iqn, lun, expected } }, at) => [
    `handle ${wanted[at]}`,
    `LUN ${lun} ${iqn.toLowerCase()}`,
    ...(expected.wwid ? [`WWID ${expected.wwid}`] : []),
  ])
  const related = new Map<string, number[]>()
  for (const [at, list] of keys.entries())
    for (const key of list) related.set(key, (related.get(key) ?? []).concat(at))
  return candidates.map((one, at) => {
    const others = [...new Set(keys[at]!.flatMap((key) => related.get(key)!))]
      .filter((index) => index !== at)
      .map((index) => ({ other: candidates[index]!, handle: wanted[index]! }))
    const sharing = others.filter(
      ({ other, handle }) => handle === wanted[at] && !isOneLun(one.source, other.source),
    )
    const notes = others.flatMap(({ other }) => hazard(one, other))
    if (one.handle !== null && !isLegal(one.handle))
      notes.push(
        `its volumeHandle is empty, contains control characters, or is longer than ${MAX_HANDLE_BYTES} bytes: a new one was assigned`,
      )
    if (sharing.length > 0 && one.handle !== null)
      notes.push(
        `its volumeHandle "${one.handle}" is also the handle of ${namesOf(sharing)}, which is another LUN: a new one was assigned`,
      )
    return { handle: sharing.length > 0 ? derived(one.source) : wanted[at]!, notes }
  })
}

const namesOf = (sharing: readonly { readonly other: Candidate }[]) =>
  sharing.map(({ other }) => other.name).join(', ')

function isLegal(handle: string): boolean {
  return handle.trim() !== '' && !/\p{Cc}/u.test(handle) && Buffer.byteLength(handle) <= MAX_HANDLE_BYTES
}

/** Two arrays may use one target name (a vendor's default base name), so the portals are part of it. */
function derived({ iqn, lun, portals }: VolumeSource): string {
  const addresses = [...new Set(portals.map(formatPortal))].toSorted().join(',')
  const handle = `${iqn}/lun-${lun}/${sha256(addresses).slice(0, 16)}`
  return Buffer.byteLength(handle) <= MAX_HANDLE_BYTES ? handle : sha256(`${iqn}/lun-${lun}/${addresses}`)
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/**
 * Names are compared as RFC 3722 folds them. The same name, LUN and one portal in common are one LUN; different WWIDs
 * do not disprove it, because one of them may be wrong.
 */
function isOneLun(a: VolumeSource, b: VolumeSource): boolean {
  if (a.expected.wwid && a.expected.wwid === b.expected.wwid) return true
  const isAlsoIn = (list: readonly Portal[]) => (one: Portal) => list.some((other) => samePortal(one, other))
  return isOneName(a, b) && a.portals.some(isAlsoIn(b.portals))
}

function isOneName(a: VolumeSource, b: VolumeSource): boolean {
  return a.lun === b.lun && a.iqn.toLowerCase() === b.iqn.toLowerCase()
}

function hazard(one: Candidate, other: Candidate): string[] {
  if (isOneLun(one.source, other.source))
    return [
      `it is the same LUN as ${other.name} (same IQN, LUN and portal, or the same WWID): use only one of them, because two users of one LUN destroy its file system`,
    ]
  if (isOneName(one.source, other.source))
    return [
      `${other.name} has the same IQN and LUN at other portals: they are treated as different volumes. If both lead to one array, use only one of them`,
    ]
  return []
}
