import type { Finding } from '../../src/doctor/finding.ts'
import type { Documents } from '../../src/http/page/model.ts'
import type { PathStatus, SessionStatus, VolumeStatus } from '../../src/model/attachment.ts'
import type { VolumeOutage } from '../../src/model/outage.ts'
import type { VolumeMount } from '../../src/model/volume-mount.ts'

/** Nodes that the page may show. Times are relative to `nowMs`, so that countdowns run. */
export const at = (nowMs: number, seconds: number) => new Date(nowMs + seconds * 1000).toISOString()

export const IQN = 'iqn.2004-04.com.example:san-1'

export function path(index: number, change: Partial<PathStatus> = {}): PathStatus {
  return {
    portal: `10.0.${index}.5:3260`,
    iqn: IQN,
    lun: 1,
    session: index + 1,
    hctl: `${index + 2}:0:0:1`,
    disk: `sd${'bcdefgh'[index]}`,
    sessionState: 'LOGGED_IN',
    diskState: 'running',
    recoveryTmo: 0,
    ...change,
  }
}

export const AWAY = { sessionState: 'FAILED', diskState: 'transport-offline' } as const

export function volume(name: string, change: Partial<VolumeStatus> = {}): VolumeStatus {
  return {
    name,
    state: 'ready',
    device: `/dev/mapper/lunkeeper-${name}`,
    mount: `/srv/${name}`,
    fs: 'ext4',
    readOnly: false,
    identity: { wwid: 'naa.6001405abc1230000000000000000000', serial: 'abc123', bytes: 200 * 2 ** 30 },
    hold: { mode: 'map', wanted: 600, effective: 600, since: null, deadline: null, waiting: null },
    owner: { guard: 'reservation', mine: true, holder: null },
    paths: [path(0), path(1)],
    ...change,
  }
}

export function mount(volume: string, change: Partial<VolumeMount> = {}): VolumeMount {
  return { volume, point: `/srv/${volume}`, fs: 'ext4', readOnly: false, pod: null, ...change }
}

export function session(index: number, change: Partial<SessionStatus> = {}): SessionStatus {
  return {
    sid: index + 1,
    iqn: IQN,
    portal: `10.0.${index}.5:3260`,
    state: 'LOGGED_IN',
    recoveryTmo: 0,
    scan: 'manual',
    disks: [],
    ...change,
  }
}

const node = (nowMs: number, change: Partial<Documents['node']> = {}): Documents['node'] => ({
  name: 'node-7',
  version: '0.1.0',
  agentSince: at(nowMs, -3 * 86_400),
  changes: false,
  problem: null,
  ...change,
})

export function calm(nowMs: number): Documents {
  const names = ['db', 'mail', 'media', 'wiki']
  return {
    node: node(nowMs),
    volumes: names.map((name, lun) => volume(name, { paths: [path(0, { lun }), path(1, { lun })] })),
    sessions: [session(0), session(1)],
    mounts: names.map((name) => mount(name)),
    findings: [],
    outages: [],
  }
}

const POD = '0f6a2c1e-93bb-4c0a-8a3b-5f0d6b1f2a77'

/** Two volumes hold I/O, one has failed, and one is held by its session alone, with doctor's findings. */
export function trouble(nowMs: number, { changes = false } = {}): Documents {
  const held = {
    mode: 'map',
    wanted: 600,
    effective: 600,
    since: at(nowMs, -348),
    deadline: at(nowMs, 252),
    waiting: { bytes: 48 * 2 ** 20, of: 'volume' },
  } as const
  const away = [path(0, AWAY), path(1, AWAY)]
  const other = 'iqn.2003-01.org.linux-iscsi.backup:tank'
  const findings: Finding[] = [
    {
      code: 'VOLUME_FAILED',
      severity: 'critical',
      subject: 'backup',
      message: 'I/O of backup fails: its hold ended after 60 s',
      evidence: {},
      fix: 'Bring the target back and stop the users of the volume, then run the same attach again.',
    },
    {
      code: 'HOLDING',
      severity: 'warning',
      subject: 'db',
      message: 'all paths are lost; I/O is held, and fails unless the target returns',
      evidence: {},
      fix: 'Bring the target back. `lunkeeper hold db --set 2h` extends the hold; `lunkeeper hold db --give-up` fails the I/O now.',
    },
    {
      code: 'HUNG_TASK_PANIC',
      severity: 'warning',
      subject: 'kernel.hung_task_panic',
      message: 'the kernel panics after 120 s, and a hold is longer',
      evidence: {},
      fix: 'Set kernel.hung_task_panic=0, also in /etc/sysctl.d; or run lunkeeper hold NAME --set 119',
    },
    {
      code: 'PHANTOMS',
      severity: 'info',
      subject: 'session 3',
      message: '3 disks of session 3 have no owner',
      evidence: {},
      fix: '`lunkeeper detach /dev/sdx` removes one.',
    },
  ]
  const outages: VolumeOutage[] = [
    {
      volume: 'mail',
      since: at(nowMs, -20_400),
      failed: null,
      reason: null,
      until: at(nowMs, -20_359),
      seconds: 41,
    },
    {
      volume: 'backup',
      since: at(nowMs, -9_600),
      failed: at(nowMs, -9_540),
      reason: 'deadline',
      until: null,
      seconds: null,
    },
    { volume: 'db', since: at(nowMs, -348), failed: null, reason: null, until: null, seconds: null },
    { volume: 'orders', since: at(nowMs, -348), failed: null, reason: null, until: null, seconds: null },
  ]
  return {
    node: node(nowMs, { changes }),
    volumes: [
      volume('db', { state: 'holding', hold: held, paths: away }),
      volume('orders', {
        state: 'holding',
        mount: '/var/lib/kubelet/plugins/kubernetes.io/csi/iscsi.csi.lunkeeper/4f1c/globalmount',
        hold: { ...held, wanted: 'forever', effective: 'forever', deadline: null },
        owner: { guard: 'kubernetes', mine: true, holder: null },
        paths: away.map((one) => ({ ...one, lun: 4 })),
      }),
      volume('backup', {
        state: 'failed',
        device: '/dev/sdx',
        hold: {
          mode: 'session',
          wanted: 600,
          effective: 60,
          since: at(nowMs, -9_600),
          deadline: null,
          waiting: null,
        },
        paths: [
          path(2, {
            portal: '192.0.2.40:3260',
            iqn: other,
            session: 3,
            disk: null,
            hctl: null,
            sessionState: 'FAILED',
            diskState: null,
          }),
        ],
      }),
      volume('mail', { paths: [path(0, { lun: 2, ...AWAY }), path(1, { lun: 2 })] }),
      volume('scratch', { mount: null, fs: null, paths: [path(1, { lun: 3 })] }),
    ],
    sessions: [
      session(0, { state: 'FAILED' }),
      session(1),
      session(2, {
        iqn: other,
        portal: '192.0.2.40:3260',
        state: 'FAILED',
        disks: ['x', 'y', 'z'].map((letter, lun) => ({
          hctl: `4:0:0:${lun + 7}`,
          lun: lun + 7,
          disk: `sd${letter}`,
          state: 'running',
          owner: 'phantom',
        })),
      }),
    ],
    mounts: [
      mount('db'),
      mount('orders', {
        point: '/var/lib/kubelet/plugins/kubernetes.io/csi/iscsi.csi.lunkeeper/4f1c/globalmount',
      }),
      mount('orders', {
        point: `/var/lib/kubelet/pods/${POD}/volumes/kubernetes.io~csi/pvc-orders/mount`,
        pod: POD,
      }),
      mount('backup'),
      mount('mail'),
    ],
    findings,
    outages,
  }
}

/** A node with many volumes, some of which hold I/O. */
export function many(nowMs: number, number = 200): Documents {
  const names = Array.from({ length: number }, (_, index) => `volume-${index}`)
  return {
    node: node(nowMs),
    volumes: names.map((name, index) => {
      const iqn = `iqn.2004-04.com.example:san-${index % 8}`
      const isAway = index % 8 === 0
      return volume(name, {
        state: isAway ? 'holding' : 'ready',
        paths: [path(0, { iqn, lun: index, ...(isAway ? AWAY : {}) })],
        ...(isAway
          ? {
              hold: {
                mode: 'map',
                wanted: 600,
                effective: 600,
                since: at(nowMs, -100),
                deadline: at(nowMs, 500),
                waiting: { bytes: 1 << 20, of: 'volume' },
              },
            }
          : {}),
      })
    }),
    sessions: Array.from({ length: 8 }, (_, index) =>
      session(0, { sid: index + 1, iqn: `iqn.2004-04.com.example:san-${index}` }),
    ),
    mounts: names.map((name) => mount(name)),
    findings: [],
    outages: [],
  }
}

/** Text from a target, or from a directory name, that tries to be more than text. */
export const HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>\u202e'

export function hostile(nowMs: number): Documents {
  const found = trouble(nowMs)
  return {
    ...found,
    node: { ...found.node, name: HOSTILE },
    volumes: found.volumes.map((one) => ({
      ...one,
      mount: `/srv/${HOSTILE}`,
      paths: one.paths.map((known) => ({ ...known, iqn: HOSTILE, portal: HOSTILE, sessionState: HOSTILE })),
    })),
    sessions: found.sessions.map((one) => ({ ...one, iqn: HOSTILE, portal: HOSTILE, state: HOSTILE })),
    mounts: found.mounts.map((one) => ({ ...one, point: HOSTILE })),
    findings: found.findings.map((one) => ({
      ...one,
      subject: HOSTILE,
      message: HOSTILE,
      fix: `\`${HOSTILE}\``,
    })),
    outages: found.outages.map((one) => ({ ...one, volume: HOSTILE })),
  }
}
