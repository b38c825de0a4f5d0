import { expect, onTestFinished } from 'vitest'
import * as z from 'zod'

import type { LabNode, RunResult } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'

// The published shapes (design: Contracts): nothing more, nothing less.
const hold = z.union([z.int().nonnegative(), z.literal('forever')])
const path = z.strictObject({
  portal: z.string(),
  iqn: z.string(),
  lun: z.int(),
  session: z.int().nullable(),
  hctl: z.string().nullable(),
  disk: z.string().nullable(),
  sessionState: z.string().nullable(),
  diskState: z.string().nullable(),
  recoveryTmo: hold.nullable(),
})
const volumeShape = z.strictObject({
  name: z.string(),
  state: z.enum(['ready', 'holding', 'failed', 'fenced', 'misplaced', 'attaching', 'detaching']),
  device: z.string().regex(/^\/dev\/(mapper\/\S+|sd[a-z]+)$/),
  mount: z.string().nullable(),
  fs: z.string().nullable(),
  readOnly: z.boolean(),
  owner: z.strictObject({
    guard: z.enum(['reservation', 'kubernetes', 'mark', 'none']),
    mine: z.boolean().nullable(),
    holder: z.string().nullable(),
  }),
  identity: z.strictObject({ wwid: z.string(), serial: z.string(), bytes: z.int() }),
  hold: z.strictObject({
    mode: z.enum(['map', 'session', 'multipathd']),
    wanted: hold,
    effective: hold,
    since: z.iso.datetime().nullable(),
    deadline: z.iso.datetime().nullable(),
    waiting: z.strictObject({ bytes: z.int(), of: z.enum(['volume', 'node']) }).nullable(),
  }),
  paths: z.array(path),
})
const expanded = volumeShape.extend({ expanded: z.strictObject({ from: z.int(), to: z.int() }) })
const detached = z.strictObject({
  name: z.string(),
  removed: z.strictObject({
    mounts: z.array(z.string()),
    maps: z.array(z.string()),
    disks: z.array(z.string()),
    sessions: z.array(z.int()),
  }),
  left: z.array(z.string()).length(0),
})
const sessions = z.array(
  z.strictObject({
    sid: z.int(),
    iqn: z.string(),
    portal: z.string().nullable(),
    state: z.string(),
    recoveryTmo: hold,
    scan: z.string().nullable(),
    disks: z.array(
      z.strictObject({
        hctl: z.string(),
        lun: z.int(),
        disk: z.string().nullable(),
        state: z.string(),
        owner: z.string(),
      }),
    ),
  }),
)
const failure = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    hint: z.string(),
    details: z.record(z.string(), z.unknown()),
  }),
})

const it = onNode({ luns: [{ lun: 5, serial: 'abc123', bytes: 32 << 20 }] })

const run = (node: LabNode, ...args: string[]): Promise<RunResult> =>
  node.run(['lunkeeper', ...args], { deadline: 60_000 })

/** Runs with --json: stdout is one document of that shape, and stderr is empty. */
async function json<T>(node: LabNode, shape: z.ZodType<T>, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run(node, ...args, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return shape.parse(JSON.parse(stdout))
}

it('a raw disk is attached, listed and detached', async ({ node, target, volume }) => {
  const attached = await json(node, volumeShape, 'attach', ...volume.flags)
  expect(attached).toMatchObject({ name: 'db', state: 'ready', mount: null, fs: null })
  expect(attached.paths).toMatchObject([{ portal: '127.0.0.1:3260', lun: 5, recoveryTmo: 600 }])
  expect(await json(node, volumeShape, 'volumes', 'db')).toEqual(attached)
  expect(await json(node, z.array(volumeShape), 'volumes')).toEqual([attached])
  const [session] = await json(node, sessions, 'sessions')
  expect(session).toMatchObject({ iqn: target.iqn, state: 'LOGGED_IN', scan: 'manual' })
  expect(session!.disks).toMatchObject([{ lun: 5, owner: 'db', disk: attached.device.slice(5) }])
  const report = await json(node, detached, 'detach', attached.device)
  expect(report).toMatchObject({ name: 'db', removed: { disks: [attached.paths[0]!.disk] } })
  expect(report.removed.sessions).toHaveLength(1)
  expect(await json(node, sessions, 'sessions')).toEqual([])
  expect(await json(node, z.array(volumeShape), 'volumes')).toEqual([])
})

it('a file system is created, mounted, grown and unmounted', async ({ node, target, volume }) => {
  const attached = await json(
    node,
    volumeShape,
    'attach',
    ...volume.flags,
    '--mount',
    '/mnt/db',
    '--format',
    '--hold',
    '2m',
  )
  expect(attached).toMatchObject({ mount: '/mnt/db', fs: 'ext4', hold: { wanted: 120, effective: 120 } })
  await target.resize(5, 64 << 20)
  const { expanded: sizes } = await json(node, expanded, 'expand', 'db')
  expect(sizes).toEqual({ from: 32 << 20, to: 64 << 20 })
  expect(await run(node, 'expand', 'db')).toMatchObject({
    stdout: 'db has 64 MiB already; nothing to do.\n',
  })
  expect(await json(node, detached, 'detach', '/mnt/db')).toMatchObject({ removed: { mounts: ['/mnt/db'] } })
  expect(await node.exists('/mnt/db')).toBe(false)
})

it('a volume file attaches as flags do', async ({ node, target, volume }) => {
  await node.write('/root/volume.yaml', `portal: 127.0.0.1\niqn: ${target.iqn}\nlun: 5\nname: db\n`)
  const first = await json(node, volumeShape, 'attach', '-f', '/root/volume.yaml')
  expect(await json(node, volumeShape, 'attach', ...volume.flags)).toEqual(first)
})

it('the configuration of the node decides how a volume is held, and a wrong one changes nothing', async ({
  node,
  volume,
}) => {
  await node.write('/etc/lunkeeper/config.yaml', 'hold: 90s\nhttp: 127.0.0.1:9600\n')
  onTestFinished(() => node.remove('/etc/lunkeeper/config.yaml'))
  expect(await json(node, volumeShape, 'attach', ...volume.flags)).toMatchObject({
    hold: { wanted: 90, effective: 90 },
  })
  await run(node, 'detach', 'db')
  const agent = await node.start(['lunkeeper', 'agent'])
  await agent.errors(/ready: 0/)
  const answer = (port: number) =>
    node.sh(
      `node --input-type=module -e "console.log((await fetch('http://127.0.0.1:${port}/readyz').catch(() => ({ status: 0 }))).status)"`,
    )
  expect(await answer(9600)).toBe('200')
  const before = await json(node, volumeShape, 'attach', ...volume.flags)
  expect(before).toMatchObject({ hold: { mode: 'map', wanted: 90 } })

  const reload = () => agent.kill('SIGHUP', { alone: true })
  await node.write('/etc/lunkeeper/config.yaml', 'http: 127.0.0.1:9601\n')
  await reload()
  await agent.errors(/ready: 1 /)
  await node.until(async () => (await answer(9601)) === '200')
  expect(await answer(9600)).toBe('0')
  expect(await json(node, volumeShape, 'volumes', 'db')).toEqual(before)
  for (const [wrong, words] of [
    ['http: nowhere\n', /not reloaded: "nowhere" is not a valid listen address/],
    ['https: 1\n', /not reloaded: .*config.yaml:1: "https" is not a field/],
    // The address is not our own.
    ['http: 127.0.0.1:3260\n', /not reloaded: .*127.0.0.1:3260/],
  ] as const) {
    await node.write('/etc/lunkeeper/config.yaml', wrong)
    await reload()
    await agent.errors(words)
    await node.until(async () => (await answer(9601)) === '200')
  }
  await agent.kill('SIGTERM')
  await agent.exited
  await run(node, 'detach', 'db')

  await node.write('/etc/lunkeeper/config.yaml', 'hold: 90s\nhtpp: 127.0.0.1:9600\n')
  for (const command of [['attach', ...volume.flags], ['agent']]) {
    const { code, stderr } = await run(node, ...command)
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'error[BAD_CONFIG]: /etc/lunkeeper/config.yaml:2: "htpp" is not a field of the configuration\nhint: Did you mean "http"?\n',
    })
  }
  expect((await node.storage()).sessions).toEqual([])
})

it('a terminal gets tables', async ({ node, volume }) => {
  await run(node, 'attach', ...volume.flags)
  expect((await run(node, 'volumes')).stdout).toMatch(
    /^NAME +STATE +SIZE +HOLD +EFFECTIVE +PATHS +DEVICE +MOUNT\ndb +ready +32 MiB +10m +10m +1\/1 +\/dev\/sd\w+ +-\n$/,
  )
  expect((await run(node, 'sessions')).stdout).toContain('running  db\n')
  expect((await run(node, 'detach', 'db')).stdout).toMatch(/^db is detached; nothing is left behind\n/)
})

it('a failure says what happened and what to do, in one document and in two lines', async ({
  node,
  volume,
}) => {
  const { code, stdout, stderr } = await run(node, 'attach', ...volume.with({ lun: 7 }).flags, '--json')
  expect(code).toBe(1)
  expect(failure.parse(JSON.parse(stdout)).error.code).toBe('LUN_ABSENT')
  expect(stderr).toMatch(/^error\[LUN_ABSENT\]: LUN 7 of .* does not exist\nhint: .*\n$/)
  expect(await json(node, sessions, 'sessions')).toEqual([])
})

it('a phantom is reported, and the suggested command removes it', async ({ node, target, volume }) => {
  await target.map(6, { serial: 'abc124', bytes: 32 << 20 })
  await run(node, 'attach', ...volume.flags)
  await node.sh('echo "0 0 6" > "$(echo /sys/class/scsi_host/host*/scan)"')
  const phantom = await node.until(
    async () => (await json(node, sessions, 'sessions'))[0]?.disks.find(({ lun, disk }) => lun === 6 && disk),
    { what: 'LUN 6' },
  )
  expect(phantom.owner).toBe('phantom')
  expect((await run(node, 'sessions')).stdout).toContain(
    `\`lunkeeper detach /dev/${phantom.disk}\` removes one.`,
  )
  expect((await run(node, 'detach', `/dev/${phantom.disk}`)).code).toBe(0)
  expect((await json(node, sessions, 'sessions'))[0]!.disks).toMatchObject([{ lun: 5, owner: 'db' }])
})

it('--verbose names the steps, and the crash hook ends the program at one', async ({ node, volume }) => {
  const died = await node.run(['lunkeeper', 'attach', ...volume.flags], {
    env: { LUNKEEPER_DIE_AT: 'scan:before' },
    deadline: 60_000,
  })
  expect(died).toMatchObject({ code: null, signal: 'SIGKILL' })
  expect((await run(node, 'attach', ...volume.flags, '--verbose')).stderr).toMatch(
    /^step scan 5 on host\d+ … \d+ ms$/m,
  )
})

it('attach stops on SIGTERM, removes what it made, and exits with status 1', async ({
  node,
  target,
  volume,
}) => {
  await target.disable()
  const attaching = await node.start(['lunkeeper', 'attach', ...volume.flags])
  await node.until(() => node.exists('/var/lib/lunkeeper/volumes/db.json'), { what: 'the record' })
  await attaching.kill('SIGTERM', { alone: true })
  expect(await attaching.exited).toMatchObject({ code: 1 })
  expect(attaching.stderr).toMatch(/^stopping after the current step.*\n(.*\n)*error\[CANCELLED\]: /)
  expect(await json(node, z.array(volumeShape), 'volumes')).toEqual([])
})
