import { setTimeout as sleep } from 'node:timers/promises'

import type { LabNode, LabProcess } from '../../index.ts'
import { Lab } from '../../index.ts'
import { attachKept, KEPT_MOUNT, keptNow, startAgent, VOLUME } from '../kept.ts'
import { attachStock, login, mountStock, STOCK_MOUNT } from '../stock.ts'
import { BOTH } from '../words.ts'
import type { SideName } from '../volumes.ts'
import { SAN } from '../volumes.ts'
import { Writer } from '../writer.ts'
import { changedBlocks, checkVolume, rememberBlocks } from './judge.ts'
import type { SplitPlan } from './plan.ts'
import type { Former, Split, SplitSide } from './result.ts'
import type { Scene } from './scene.ts'
import { setScene } from './scene.ts'

/** Called when each part begins. */
export type Audience = (phase: string) => void

const MOUNT: Readonly<Record<SideName, string>> = { stock: STOCK_MOUNT, lunkeeper: KEPT_MOUNT }

/** How long to write so that it is visible beside the outage. */
const LEAD_MS = 3000
/**
 * iscsid retries every 2 s, and each attempt takes 15 s at most; then the held writes go out. This is generous,
 * because the machine may be busy.
 */
const RETURN_MS = 120_000
/** How long a volume must stay unchanged before no more writes are expected of the former node; ext4 commits every 5 s. */
const QUIET_MS = 8000

/**
 * A node is cut off while two writers run on it, one on open-iscsi with a long timer and one on Lunkeeper. Both
 * volumes move to another node, and the first node comes back. Whether its held data reaches the volumes is visible
 * in their files.
 */
export async function runSplit(plan: SplitPlan, phase: Audience): Promise<Split> {
  phase('three kernels boot')
  await using lab = await Lab.open()
  const scene = await setScene(lab, plan)
  const { a, b } = scene

  phase('node-a attaches both volumes, and writes')
  const { hold, fs, outage } = plan
  await attachStock(a, plan)
  const agent = await startAgent(a)
  await attachKept(a, { hold, fs, more: ['--format'] })
  const started = Date.now()
  const former = await writersOn(a, 'blocks')
  await sleep(LEAD_MS)

  phase('node-a is cut off')
  await lab.cut(a)
  const cut = Date.now()
  // Its programs continue: buffered writes, more than fit into a journal, which wait as dirty pages.
  for (const side of BOTH)
    await a.start([
      'sh',
      '-c',
      `dd if=/dev/urandom of=${MOUNT[side]}/held bs=64k count=64; sync -f ${MOUNT[side]}`,
    ])
  await sleep(Math.max(0, cut + outage * 1000 - Date.now()))

  phase('both volumes move to node-b, which writes')
  await login(b, SAN, plan.timer)
  await mountStock(b)
  await attachKept(b, { hold, fs, more: ['--take-over'] })
  const moved = Date.now()
  const owners = await writersOn(b, 'owned')
  await sleep(LEAD_MS)
  await endAll(owners)
  // While node-b writes nothing, each change of the volumes is from node-a.
  for (const side of BOTH) await b.sh(`sync -f ${MOUNT[side]}; fsfreeze --freeze ${MOUNT[side]}`)
  await rememberBlocks(scene)

  phase('node-a is back')
  await lab.join(a)
  const back = Date.now()
  const fenced = await untilFenced(a)
  const foreign = await settle(scene)
  const settled = Date.now()

  phase('the volumes are checked')
  const words = lastWords(agent)
  for (const side of BOTH) await b.sh(`fsfreeze --unfreeze ${MOUNT[side]}`)
  await endAll(former)
  const read = {
    stock: await readBack(owners.stock),
    lunkeeper: await readBack(owners.lunkeeper),
  }
  // node-a is powered off before the check, so that nothing can arrive from it later. Its own end does not matter
  // here.
  await a.kill()
  await b.run(['umount', MOUNT.stock])
  await b.run(['lunkeeper', 'detach', VOLUME])
  const sideOf = async (side: SideName): Promise<SplitSide> => ({
    before: former[side].acknowledged.filter(({ at }) => at <= cut).length,
    owned: owners[side].acknowledged.length,
    refused: owners[side].refused,
    foreign: foreign[side],
    ...read[side],
    damage: await checkVolume(scene, side, plan),
    former: fateOf(former[side], back),
  })
  return {
    plan,
    kernel: b.kernel,
    started,
    cut,
    moved,
    back,
    settled,
    fenced,
    words,
    sides: { stock: await sideOf('stock'), lunkeeper: await sideOf('lunkeeper') },
  }
}

type Writers = Readonly<Record<SideName, Writer>>

async function writersOn(node: LabNode, file: string): Promise<Writers> {
  return {
    stock: await Writer.start(node, MOUNT.stock, file),
    lunkeeper: await Writer.start(node, MOUNT.lunkeeper, file),
  }
}

async function endAll(writers: Writers): Promise<void> {
  await Promise.all(BOTH.map((side) => writers[side].stop()))
}

/** @returns when the volume was fenced; null if it was not */
async function untilFenced(node: LabNode): Promise<number | null> {
  const end = Date.now() + RETURN_MS
  while (Date.now() < end) {
    if ((await keptNow(node))?.state === 'fenced') return Date.now()
    await sleep(500)
  }
  return null
}

/** Waits until the stock side's held writes have arrived, or would have. @returns the changed blocks of each volume */
async function settle(scene: Scene): Promise<Record<SideName, number>> {
  const end = Date.now() + RETURN_MS
  let found = { stock: 0, lunkeeper: 0 }
  for (let since = Date.now(); Date.now() < end;) {
    const now = {
      stock: await changedBlocks(scene, 'stock'),
      lunkeeper: await changedBlocks(scene, 'lunkeeper'),
    }
    if (BOTH.some((side) => now[side] !== found[side])) since = Date.now()
    found = now
    if (Date.now() - since > QUIET_MS) break
    await sleep(1000)
  }
  return found
}

/** Unreadable blocks are a result, too. */
async function readBack(writer: Writer): Promise<Pick<SplitSide, 'lost' | 'trouble'>> {
  try {
    return { lost: await writer.lost(), trouble: null }
  } catch (error) {
    return { lost: null, trouble: (error as Error).message }
  }
}

function fateOf({ acknowledged, refused }: Writer, back: number): Former {
  if (acknowledged.some(({ at }) => at > back)) return { fate: 'went on', error: null }
  const error = refused.find(({ at }) => at > back)?.error
  return error === undefined ? { fate: 'waits', error: null } : { fate: 'failed', error }
}

function lastWords(agent: LabProcess): string | null {
  const lines = agent.stderr.split('\n').filter((line) => line.includes('lost the volume'))
  return lines.at(-1)?.trim() ?? null
}
