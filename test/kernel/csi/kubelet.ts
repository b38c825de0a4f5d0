import { expect } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../../lab/index.ts'
import { startInContainer } from './container.ts'

export const SOCKET = '/run/csi/csi.sock'
const DEADLINE_MS = 120_000

/** The result of a call: a value, or a status with its message. */
export interface Answer {
  readonly result?: unknown
  readonly code?: string
  readonly message?: string
  readonly ms: number
}

export type AccessMode = `${'SINGLE' | 'MULTI'}_NODE_${string}`

export const mountable = (
  fsType = 'ext4',
  mode: AccessMode = 'SINGLE_NODE_MULTI_WRITER',
  mountFlags: readonly string[] = [],
) => ({ mount: { fsType, mountFlags }, accessMode: { mode } })

export const block = (mode: AccessMode = 'SINGLE_NODE_MULTI_WRITER') => ({ block: {}, accessMode: { mode } })

export interface Claim {
  readonly volumeId: string
  readonly volumeContext: Record<string, string>
  readonly volumeCapability: ReturnType<typeof mountable> | ReturnType<typeof block>
  readonly secrets?: Record<string, string>
}

/** A volume of this target with a file system; LUN 5 of 127.0.0.1, unless `context` says otherwise. */
export const claimOf = (
  { iqn }: Pick<Target, 'iqn'>,
  volumeId: string,
  context: Record<string, string> = {},
): Claim => ({
  volumeId,
  volumeContext: { targetPortal: '127.0.0.1', iqn, lun: '5', ...context },
  volumeCapability: mountable(),
})

/** A gRPC client inside a machine that makes calls like a kubelet, with the paths of a kubelet. */
export class Kubelet {
  readonly #node: LabNode
  readonly #program: LabProcess
  #asked = 0

  private constructor(node: LabNode, program: LabProcess) {
    this.#node = node
    this.#program = program
  }

  static async start(node: LabNode, socket = SOCKET): Promise<Kubelet> {
    const program = await node.start(['node', '/lab/project/test/kernel/guest/csi-client.mjs', socket])
    await program.output(/ready\n/, DEADLINE_MS)
    return new Kubelet(node, program)
  }

  /** @param method in lowerCamelCase */
  async ask(method: string, request: object = {}, timeoutMs?: number): Promise<Answer> {
    const id = ++this.#asked
    await this.#program.write(`${JSON.stringify({ id, method, request, timeoutMs })}\n`)
    await this.#program.output(new RegExp(`^${id} .*\n`, 'm'), DEADLINE_MS)
    return JSON.parse(new RegExp(`^${id} (.*)\n`, 'm').exec(this.#program.stdout)![1]!) as Answer
  }

  async ok<T = unknown>(method: string, request: object = {}): Promise<T> {
    const answer = await this.ask(method, request)
    if (answer.code) expect.unreachable(`${method}: ${answer.code}: ${answer.message}`)
    return answer.result as T
  }

  /** The call fails with this status, and its message matches. */
  async fails(method: string, request: object, code: string, message = /./): Promise<Answer> {
    const answer = await this.ask(method, request)
    if (answer.code !== code || !message.test(answer.message ?? ''))
      expect.unreachable(`${method}: not ${code} ${message} but ${JSON.stringify(answer)}`)
    return answer
  }

  /** Stages it, after creating the directory, which is the kubelet's task. */
  async stage(claim: Claim, more: object = {}): Promise<void> {
    await this.#node.mkdir(stagingPath(claim.volumeId))
    await this.ok('nodeStageVolume', { ...staging(claim), ...more })
  }

  unstage = ({ volumeId }: Claim) => this.ok('nodeUnstageVolume', unstaging(volumeId))
  publish = (claim: Claim, pod: string, more: object = {}) =>
    this.ok('nodePublishVolume', { ...publishing(claim, pod), ...more })
  unpublish = ({ volumeId }: Claim, pod: string) =>
    this.ok('nodeUnpublishVolume', unpublishing(volumeId, pod))

  /** Stages and publishes it for a pod that comes to the node. */
  async bring(claim: Claim, pod: string): Promise<void> {
    await this.stage(claim)
    await this.publish(claim, pod)
  }

  /** Unpublishes it for these pods, the last ones, and unstages it. */
  async release(claim: Claim, ...pods: string[]): Promise<void> {
    for (const pod of pods) await this.unpublish(claim, pod)
    await this.unstage(claim)
  }

  stats = ({ volumeId }: Claim, pod: string) =>
    this.ok<Stats>('nodeGetVolumeStats', { volumeId, volumePath: targetPath(volumeId, pod) })
}

export interface Stats {
  readonly usage?: readonly { unit: string; total: string; used?: string; available?: string }[]
  readonly volumeCondition: { readonly abnormal?: boolean; readonly message: string }
}

const PLUGINS = '/var/lib/kubelet/plugins/kubernetes.io/csi'

export const stagingPath = (volumeId: string) => `${PLUGINS}/iscsi.csi.lunkeeper/${volumeId}/globalmount`
export const targetPath = (volumeId: string, pod: string) =>
  `/var/lib/kubelet/pods/${pod}/volumes/kubernetes.io~csi/${volumeId}/mount`

export const staging = ({ volumeId, volumeContext, volumeCapability, secrets }: Claim) => ({
  volumeId,
  volumeContext,
  volumeCapability,
  stagingTargetPath: stagingPath(volumeId),
  ...(secrets ? { secrets } : {}),
})

export const publishing = ({ volumeId, volumeContext, volumeCapability }: Claim, pod: string) => ({
  volumeId,
  volumeContext,
  volumeCapability,
  stagingTargetPath: stagingPath(volumeId),
  targetPath: targetPath(volumeId, pod),
})

export const unstaging = (volumeId: string) => ({ volumeId, stagingTargetPath: stagingPath(volumeId) })
export const unpublishing = (volumeId: string, pod: string) => ({
  volumeId,
  targetPath: targetPath(volumeId, pod),
})

/**
 * An agent that serves CSI, with those of a kubelet's directories that it needs. With LUNKEEPER_TEST_CONTAINER it
 * runs in a container of its image, so that all guarantees of CSI can be tested there, too.
 */
export async function startDriver(
  node: LabNode,
  env: Record<string, string> = {},
  more: readonly string[] = [],
): Promise<LabProcess> {
  const flags = ['--csi-endpoint', `unix://${SOCKET}`, '--csi-node', 'node-1', ...more]
  const agent = process.env.LUNKEEPER_TEST_CONTAINER
    ? await startInContainer(node, flags, env)
    : await node.start(['lunkeeper', 'agent', ...flags], { env })
  await agent.errors(/csi: .* as node/)
  return agent
}

/** Nothing is left at the paths of a kubelet, except the directories that the kubelet creates itself. */
export async function expectNothingPublished(node: LabNode): Promise<void> {
  const left = await node.sh(
    `set +e; grep ' /var/lib/kubelet' /proc/self/mountinfo; find /var/lib/kubelet/pods -name mount 2>/dev/null; find ${PLUGINS} -mindepth 4 2>/dev/null; find /run/lunkeeper/csi -type f 2>/dev/null; true`,
  )
  expect(left).toBe('')
}

/** Nothing of any volume is published or attached; the agent may keep running. */
export async function expectNothingStaged(node: LabNode): Promise<void> {
  await expectNothingPublished(node)
  const { sessions, disks, maps, mounts } = await node.storage()
  expect({ sessions, disks, maps, mounts }).toEqual({ sessions: [], disks: [], maps: [], mounts: [] })
}
