import type { LabNode } from '../index.ts'
import type { Plan } from './plan.ts'
import { IQN, SAN, STANDBY } from './scene.ts'

export const VOLUME = 'drill'
export const KEPT_MOUNT = '/mnt/lunkeeper'

/** What of `lunkeeper attach --json` a drill wants to know. */
export interface Kept {
  readonly state: string
  readonly hold: { readonly mode: string; readonly effective: number | 'forever' }
}

const attachCommand = ({ hold, fs }: Plan, portals: readonly string[]): string[] => {
  const where = [...portals.flatMap((portal) => ['--portal', portal]), '--iqn', IQN.lunkeeper, '--lun', '0']
  const how = ['--name', VOLUME, '--hold', `${hold}s`, '--mount', KEPT_MOUNT, '--fs', fs, '--format']
  return ['lunkeeper', 'attach', ...where, ...how]
}

const attach = async (node: LabNode, plan: Plan, portals: readonly string[]): Promise<Kept> =>
  JSON.parse((await node.ok([...attachCommand(plan, portals), '--json'])).stdout) as Kept

export async function attachKept(node: LabNode, plan: Plan): Promise<Kept> {
  const agent = await node.start(['lunkeeper', 'agent'])
  await agent.errors(/ready/)
  return await attach(node, plan, [SAN])
}

/** Tells it where the target is now; the same command as before, with the new portal added. */
export async function tellPortal(node: LabNode, plan: Plan): Promise<void> {
  await attach(node, plan, [SAN, STANDBY])
}

/** What a person would have typed. */
export const keptCommands = (plan: Plan): string[] => [
  'lunkeeper agent &',
  attachCommand(plan, [SAN]).join(' '),
  ...(plan.takeover === 'same'
    ? []
    : ['# once the other machine serves', attachCommand(plan, [SAN, STANDBY]).join(' ')]),
]
