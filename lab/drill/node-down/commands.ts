import type { LabNode } from '../../index.ts'
import type { KeptOptions } from '../kept.ts'
import { attachCommand, attachKept } from '../kept.ts'
import { SAN } from '../volumes.ts'
import type { Plan } from './plan.ts'
import { STANDBY } from './scene.ts'

export const keptOptions = ({ hold, fs }: Plan, portals = [SAN]): KeptOptions => ({
  hold,
  fs,
  portals,
  more: ['--format'],
})

const both = (plan: Plan) => keptOptions(plan, [SAN, STANDBY])

/** Gives Lunkeeper the target's new address: the same command, with the new portal added. */
export async function tellPortal(node: LabNode, plan: Plan): Promise<void> {
  await attachKept(node, both(plan))
}

/** The commands that a user would have typed. */
export const keptCommands = (plan: Plan): string[] => [
  'lunkeeper agent &',
  attachCommand(keptOptions(plan)).join(' '),
  ...(plan.takeover === 'same'
    ? []
    : ['# once the other machine serves', attachCommand(both(plan)).join(' ')]),
]
