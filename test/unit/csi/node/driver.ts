import type { Driver } from '../../../../src/csi/driver.ts'
import { TargetLimiter } from '../../../../src/csi/target-limiter.ts'
import { VolumeCalls } from '../../../../src/csi/volume-calls.ts'
import { Failures } from '../../../../src/csi/volume/failures.ts'
import type { Host } from '../../../../src/host/host.ts'

/** A driver on a node, which collects its warnings. */
export function driverOn(host: Host): Driver & { readonly warnings: string[] } {
  const warnings: string[] = []
  return {
    host,
    name: 'iscsi.csi.lunkeeper',
    nodeId: 'node-1',
    version: '1.2.3',
    announceHealth: false,
    volumeCalls: new VolumeCalls(),
    targetLimiter: new TargetLimiter(),
    failures: new Failures(),
    observer: { warn: (_, message) => warnings.push(message) },
    signal: new AbortController().signal,
    warnings,
  }
}
