import { createHash } from 'node:crypto'

import { expect } from 'vitest'

import type { Debian, LabNode, LabProcess } from '../../lab/index.ts'
import type { DetachReport, SessionStatus, VolumeStatus } from '../../src/model/attachment.ts'

/** Whether slow tests are run as well. */
export const isEverything = Boolean(process.env.LUNKEEPER_TEST_EVERYTHING)

/** Daily, each file runs on one kernel; with `npm run test:everything` also on the other one. */
export const kernels = (everyday: Debian): readonly Debian[] =>
  isEverything ? ['bookworm', 'trixie'] : [everyday]

/** Both kernels; only one of them if only the essential tests are run (vitest.config.ts). */
export const BOTH_KERNELS: readonly Debian[] =
  process.env.LUNKEEPER_TEST_KERNEL === 'essential' ? ['bookworm'] : ['bookworm', 'trixie']

/**
 * Whether this machine only tests differences between kernels and versions, so that the suite stays fast; `npm run
 * test:everything` runs all tests on both.
 */
export const isBrief = (debian: string): boolean =>
  debian === 'trixie' && !process.env.LUNKEEPER_TEST_EVERYTHING

/** How one run of `lunkeeper` ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

/** `lunkeeper` on one machine of the lab, as a user or a script runs it. */
export function lunkeeper(node: LabNode) {
  const run = (
    args: readonly string[],
    env: Record<string, string> = {},
    deadline = 120_000,
  ): Promise<Ended> => node.run(['lunkeeper', ...args, '--json'], { env, deadline })

  async function json<T>(args: readonly string[]): Promise<T> {
    const ended = await run(args)
    expect(ended.code, ended.stderr).toBe(0)
    return JSON.parse(ended.stdout) as T
  }

  return {
    run,
    attach: (args: readonly string[]) => json<VolumeStatus>(['attach', ...args]),
    detach: (handle: string, ...args: string[]) => json<DetachReport>(['detach', handle, ...args]),
    volumes: () => json<VolumeStatus[]>(['volumes']),
    sessions: () => json<SessionStatus[]>(['sessions']),

    /** The command fails as it must: with this code, a hint, this exit status, and no output. */
    async fails(args: readonly string[], code: string, status = 1): Promise<Ended> {
      const ended = await run(args)
      expect(ended.stderr).toContain(`error[${code}]:`)
      expect(ended.stderr).toMatch(/^hint: \S/m)
      expect(ended.code).toBe(status)
      return ended
    },
  }
}

/** Kills a program that a test has started. */
export async function killAndWait(process: LabProcess): Promise<void> {
  await process.kill('SIGKILL')
  await process.exited
}

/** An agent that is ready. */
export async function agentOn(node: LabNode, ...flags: string[]): Promise<LabProcess> {
  const agent = await node.start(['lunkeeper', 'agent', ...flags])
  await agent.errors(/ready/, 120_000)
  return agent
}

/** The lock of the running agent (src/state/records/agent-lock.ts, src/host/lock/lock.ts). */
const AGENT_LOCK = `/run/lunkeeper/locks/${createHash('sha256').update('agent').digest('hex').slice(0, 24)}`

/**
 * Everything that the kernel and the disk have of iSCSI and of us, to compare before and after. A running agent has
 * its lock.
 */
export async function remains(node: LabNode): Promise<unknown> {
  const { sessions, disks, maps, mounts } = await node.storage()
  const files = await node.sh(
    `running=; if pgrep -f "[l]unkeeper(.js)? agent" > /dev/null; then running="! -path ${AGENT_LOCK}"; fi; find /etc/iscsi/nodes /var/lib/iscsi/nodes /var/lib/lunkeeper /run/lunkeeper /mnt -mindepth 1 ! -type d $running ! -path /run/lunkeeper/locks/guard ! -path "/var/lib/lunkeeper/history/*" 2>/dev/null | sort; ls /mnt; lsattr -d /mnt /mnt/* 2>/dev/null | grep -v "^-* " || :`,
  )
  return { sessions, disks, maps, mounts, files: files.trim() }
}

/** Nothing at all is left of any volume. */
export async function expectNothingLeft(node: LabNode): Promise<void> {
  expect(await remains(node)).toEqual({ sessions: [], disks: [], maps: [], mounts: [], files: '' })
}
