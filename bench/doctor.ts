// node bench/doctor.ts [DISKS...]: measures a full diagnosis of a node with each of these numbers of disks. The node is
// a fake sysfs tree in which half of the disks are volumes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { diagnose } from '../src/doctor/diagnose.ts'
import { nodeOfDisks } from '../test/unit/doctor/many-disks.ts'

const ROUNDS = 5
const given = process.argv.slice(2).map(Number)

process.stdout.write('| disks | ms, best of five | processor, ms | findings |\n|---|---|---|---|\n')
for (const disks of given.length > 0 ? given : [500, 1_000, 2_000]) {
  const root = mkdtempSync(join(tmpdir(), 'lunkeeper-bench-'))
  try {
    await using host = nodeOfDisks(root, disks)
    const rounds: { ms: number; cpu: number; findings: number }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const cpu = process.cpuUsage()
      const began = performance.now()
      const findings = (await diagnose(host)).length
      const { user, system } = process.cpuUsage(cpu)
      rounds.push({ ms: performance.now() - began, cpu: (user + system) / 1000, findings })
    }
    const [best] = rounds.toSorted((a, b) => a.ms - b.ms)
    process.stdout.write(
      `| ${disks} | ${Math.round(best!.ms)} | ${Math.round(best!.cpu)} | ${best!.findings} |\n`,
    )
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
