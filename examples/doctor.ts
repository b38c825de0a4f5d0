// Diagnoses this node, and shows the repairs that `fix: true` would make.
//   node examples/doctor.ts
import { doctor } from 'lunkeeper'

const { findings, repairs = [] } = await doctor({ dryRun: true })
for (const { severity, code, subject, message, fix } of findings)
  console.log(`${severity} ${code} ${subject}: ${message}\n  ${fix ?? ''}`)
for (const { subject, action } of repairs) console.log(`repair of ${subject}: ${action}`)
console.log(`${findings.length} findings`)
