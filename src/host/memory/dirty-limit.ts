import { writeFileSync } from 'node:fs'

import type { HostPaths } from '../paths.ts'
import { readNumber } from '../read/attribute.ts'

/** The node's limit of dirty pages. Only one of the two settings is in effect; the other is 0 (sysctl/vm.rst). */
export interface DirtyLimit {
  readonly setting: 'dirty_bytes' | 'dirty_ratio'
  readonly value: number
}

export function readDirtyLimit(paths: HostPaths): DirtyLimit | null {
  for (const setting of ['dirty_bytes', 'dirty_ratio'] as const) {
    const value = readNumber(pathOf(paths, setting))
    if (value !== null && value > 0) return { setting, value }
  }
  return null
}

/** Changes the setting that is in effect. @throws the kernel's error */
export function writeDirtyLimit(paths: HostPaths, { setting, value }: DirtyLimit): void {
  writeFileSync(pathOf(paths, setting), `${value}\n`, { flag: 'r+' })
}

function pathOf({ proc }: HostPaths, setting: DirtyLimit['setting']): string {
  return `${proc}/sys/vm/${setting}`
}
