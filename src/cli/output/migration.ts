import type { Migration } from '../../csi/migrate/migrate.ts'
import type { PlanStep } from '../../csi/migrate/plan.ts'
import { manifestsText } from './manifests.ts'
import { printable } from '../../model/printable.ts'

/** The new objects as YAML for `kubectl apply`, with the plan and the rollback as comments at the top. */
export function migrationText({ volumes, claims, plan, rollback }: Migration): string {
  if (volumes.length === 0) return ''
  const lines = ['Plan, in this order:', ...numbered(plan), '', 'Rollback:', ...numbered(rollback)]
  const head = lines.map((line) => `# ${printable(line)}`.trimEnd()).join('\n')
  return `${head}\n${manifestsText([...volumes, ...claims])}`
}

function numbered(steps: readonly PlanStep[]): string[] {
  return steps.flatMap(({ what, commands }, at) => [
    `${at + 1}. ${what}`,
    ...commands.map((command) => `     ${command}`),
  ])
}
