import type { Lun } from './lun.ts'

/** A SCSI address: host, channel, target, LUN. Unique at any one time, but reused later. */
export interface Hctl {
  readonly host: number
  readonly channel: number
  readonly target: number
  readonly lun: Lun
}

const FORM = /^(\d+):(\d+):(\d+):(\d+)$/

/** The name of a SCSI device in sysfs, or null if the name is of another kind of object. */
export function readHctl(name: string): Hctl | null {
  const parts = FORM.exec(name)
  if (!parts) return null
  const [host = 0, channel = 0, target = 0, lun = 0] = parts.slice(1).map(Number)
  return { host, channel, target, lun: lun as Lun }
}

export function formatHctl({ host, channel, target, lun }: Hctl): string {
  return `${host}:${channel}:${target}:${lun}`
}
