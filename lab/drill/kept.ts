import type { LabNode, LabProcess } from '../index.ts'
import { IQN, SAN } from './volumes.ts'

export const VOLUME = 'drill'
export const KEPT_MOUNT = '/mnt/lunkeeper'

/** The parts of `lunkeeper attach --json` and `lunkeeper volumes --json` that a drill reads. */
export interface Kept {
  readonly name: string
  readonly state: string
  readonly hold: { readonly mode: string; readonly effective: number | 'forever' }
}

export interface KeptOptions {
  /** seconds */
  readonly hold: number
  readonly fs: string
  /** @default the storage machine's */
  readonly portals?: readonly string[]
  /** `--format`, `--take-over` */
  readonly more: readonly string[]
}

export const attachCommand = ({ hold, fs, portals = [SAN], more }: KeptOptions): string[] => {
  const where = [...portals.flatMap((portal) => ['--portal', portal]), '--iqn', IQN.lunkeeper, '--lun', '0']
  const how = ['--name', VOLUME, '--hold', `${hold}s`, '--mount', KEPT_MOUNT, '--fs', fs, ...more]
  return ['lunkeeper', 'attach', ...where, ...how]
}

export async function startAgent(node: LabNode): Promise<LabProcess> {
  const agent = await node.start(['lunkeeper', 'agent'])
  await agent.errors(/ready/)
  return agent
}

export async function attachKept(node: LabNode, options: KeptOptions): Promise<Kept> {
  return JSON.parse((await node.ok([...attachCommand(options), '--json'])).stdout) as Kept
}

/** The volume as `lunkeeper volumes` shows it now. */
export async function keptNow(node: LabNode): Promise<Kept | undefined> {
  const volumes = JSON.parse((await node.ok(['lunkeeper', 'volumes', '--json'])).stdout) as Kept[]
  return volumes.find(({ name }) => name === VOLUME)
}
