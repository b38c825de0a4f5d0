import type { LabNode } from '../../index.ts'
import { BOTH } from '../words.ts'
import type { SideName } from '../volumes.ts'
import type { SplitPlan } from './plan.ts'
import type { Scene } from './scene.ts'
import { fileOf } from './scene.ts'

const PROGRAM = '/lab/project/lab/drill/guest/blocks.mjs'
const READ = { deadline: 120_000 } as const

const sumsOf = (side: SideName) => `/tmp/${side}.sums`

/** Remembers every block of both volumes, as the storage machine has them. */
export async function rememberBlocks(scene: Scene): Promise<void> {
  for (const side of BOTH)
    await scene.san.ok(['node', PROGRAM, 'sum', fileOf(scene, side), sumsOf(side)], READ)
}

/** How many blocks of a volume have changed since. */
export async function changedBlocks(scene: Scene, side: SideName): Promise<number> {
  const ran = await scene.san.ok(['node', PROGRAM, 'changed', fileOf(scene, side), sumsOf(side)], READ)
  return Number(ran.stdout)
}

/** The complaints of a check that repairs nothing, about a volume that is no longer mounted on any node. */
export async function checkVolume(scene: Scene, side: SideName, { fs }: SplitPlan): Promise<string[]> {
  return await complaintsOf(scene.san, fs, fileOf(scene, side))
}

async function complaintsOf(node: LabNode, fs: string, file: string): Promise<string[]> {
  const command = fs === 'xfs' ? ['xfs_repair', '-n', '-f', file] : ['e2fsck', '-f', '-n', file]
  const ran = await node.run(command, READ)
  if (ran.code === 0) return []
  const lines = `${ran.stdout}\n${ran.stderr}`.split('\n').filter((line) => TELLING.test(line))
  return lines.length > 0 ? lines.map((line) => line.trim()) : [`${command[0]} ended with status ${ran.code}`]
}

/** Neither the names of its passes, nor its summary. */
const TELLING =
  /bad|invalid|wrong|corrupt|error|differ|illegal|duplicate|multiply|extra|dirty|unattached|conflict|mismatch/i
