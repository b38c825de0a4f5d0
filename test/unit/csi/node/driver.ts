import type { Driver } from '../../../../src/csi/driver.ts'
import { Gates } from '../../../../src/csi/gates.ts'
import { Turns } from '../../../../src/csi/turns.ts'
import { Failures } from '../../../../src/csi/volume/failures.ts'
import type { Host } from '../../../../src/host/host.ts'

/** A driver on a node; its warnings are noted. */
export function driverOn(host: Host): Driver & { readonly warnings: string[] } {
  const warnings: string[] = []
  return {
    host,
    name: 'iscsi.csi.lunkeeper',
    nodeId: 'node-1',
    version: '1.2.3',
    announceHealth: false,
    turns: new Turns(),
    gates: new Gates(),
    failures: new Failures(),
    observer: { warn: (_, message) => warnings.push(message) },
    signal: new AbortController().signal,
    warnings,
  }
}
