import * as core from 'kubernetes-models/v1'
import { describe, expect, it } from 'vitest'

import { accessModesOf } from '../../../../src/csi/migrate/access-modes.ts'
import { migrate } from '../../../../src/csi/migrate/migrate.ts'
import { codeOf } from '../../model/code-of.ts'

const DRIVER = 'iscsi.csi.lunkeeper'
const IQN = 'iqn.2024-01.example:san'

const volume = (spec: object, name = 'old') => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, uid: 'x', resourceVersion: '7', annotations: { 'pv.kubernetes.io/bound-by': 'y' } },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Delete',
    ...spec,
  },
  status: { phase: 'Bound' },
})
const inTree = (more: object = {}) =>
  volume({ iscsi: { targetPortal: '10.0.0.5:3260', iqn: IQN, lun: 7, ...more } })
const ofOldDriver = (volumeAttributes: object = {}, more: object = {}) =>
  volume({
    csi: {
      driver: 'iscsi.csi.k8s.io',
      volumeHandle: 'data-1',
      volumeAttributes: { targetPortal: '10.0.0.5', iqn: IQN, lun: '7', ...volumeAttributes },
      ...more,
    },
  })

/** The new volume for one object, and the notes about it. It is validated against the API's schema. */
function made(object: unknown) {
  const { volumes, notes } = migrate([object], DRIVER)
  for (const one of volumes) new core.PersistentVolume(one).validate()
  return { volume: volumes[0], said: notes.map(({ message }) => message).join('\n') }
}

describe('migrate converts a volume', () => {
  it("of Kubernetes' own iscsi source", () => {
    const { volume, said } = made(
      inTree({
        portals: ['10.0.1.5:3260'],
        iscsiInterface: 'default',
        fsType: 'xfs',
        readOnly: true,
        chapAuthSession: true,
        secretRef: { name: 'chap', namespace: 'prod' },
      }),
    )
    expect(said).toBe('')
    expect(volume).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'old-lunkeeper' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: '',
        csi: {
          driver: DRIVER,
          volumeHandle: expect.stringMatching(/^iqn\.2024-01\.example:san\/lun-7\/[0-9a-f]{16}$/),
          fsType: 'xfs',
          readOnly: true,
          volumeAttributes: {
            targetPortal: '10.0.0.5:3260',
            portals: '["10.0.1.5:3260"]',
            iqn: IQN,
            lun: '7',
          },
          nodeStageSecretRef: { name: 'chap', namespace: 'prod' },
        },
      },
    })
  })

  it('of iscsi.csi.k8s.io: the same handle and attributes', () => {
    const { volume, said } = made(ofOldDriver({ portals: '["10.0.1.5"]', discoveryCHAPAuth: 'false' }))
    expect(said).toBe('')
    expect(volume?.spec.csi).toEqual({
      driver: DRIVER,
      volumeHandle: 'data-1',
      volumeAttributes: { targetPortal: '10.0.0.5', portals: '["10.0.1.5"]', iqn: IQN, lun: '7' },
    })
  })

  it('and never prints a secret in an attribute: a note names the Secret to create', () => {
    const secret = JSON.stringify({ 'node.session.auth.password': 'TopSecret-0123' })
    const { volume, said } = made(ofOldDriver({ secret }))
    expect(JSON.stringify(volume) + said).not.toContain('TopSecret')
    expect(volume?.spec.csi.nodeStageSecretRef).toEqual({ name: 'old-chap', namespace: 'lunkeeper' })
    expect(said).toContain('lunkeeper/old-chap')
  })

  it('and keeps its claim, without the UID of the old one', () => {
    const bound = inTree()
    const claimRef = { namespace: 'prod', name: 'data', uid: '1-2', resourceVersion: '9' }
    const { volume, said } = made({ ...bound, spec: { ...bound.spec, claimRef } })
    expect(volume?.spec['claimRef']).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: 'prod',
      name: 'data',
    })
    expect(said).toContain('prod/data')
  })

  it.each([
    ['an interface', inTree({ iscsiInterface: 'bnx2i' }), /bnx2i/],
    ['an initiator name', inTree({ initiatorName: 'iqn.2024-01.example:me' }), /own names/],
    ['discovery with CHAP', inTree({ chapAuthDiscovery: true }), /discovery/],
    ['CHAP without a Secret', inTree({ chapAuthSession: true }), /nodeStageSecretRef/],
    [
      'a LUN that the driver asks its array for',
      volume({
        csi: { driver: 'csi.hpe.com', volumeHandle: 'x', volumeAttributes: { accessProtocol: 'iscsi' } },
      }),
      /no portal, no IQN, no LUN/,
    ],
    ['a file system that is not mounted', inTree({ fsType: 'btrfs' }), /btrfs/],
    [
      'a file system for two nodes',
      volume({ accessModes: ['ReadWriteMany'], iscsi: inTree().spec['iscsi' as never] }),
      /two nodes/,
    ],
  ])('and notes what is not carried over: %s', (_, object, says) => expect(made(object).said).toMatch(says))

  it.each([
    ['another driver', volume({ csi: { driver: 'other', volumeHandle: 'x' } })],
    ['another source', volume({ nfs: { server: 'a', path: '/' } })],
    ['attributes that make no sense', ofOldDriver({ lun: 'seven' })],
    ['no LUN', volume({ iscsi: { targetPortal: '10.0.0.5', iqn: IQN } })],
  ])('or leaves it out with a note: %s', (_, object) => {
    const { volume, said } = made(object)
    expect(volume).toBeUndefined()
    expect(said).toMatch(/^left out: /m)
  })

  it('in lists, among other objects, and with a handle that would be too long', () => {
    const long = `iqn.2024-01.example:${'x'.repeat(150)}`
    const { volumes } = migrate(
      [
        { kind: 'List', items: [inTree(), { kind: 'Pod' }] },
        { kind: 'PersistentVolumeList', items: [inTree({ iqn: long })] },
        null,
      ],
      DRIVER,
    )
    expect(volumes).toHaveLength(2)
    expect(volumes[1]!.spec.csi.volumeHandle).toMatch(/^[0-9a-f]{64}$/)
  })

  it('inline, in a workload with the longest names: each has a name of its own, and a valid one', () => {
    const iscsi = (lun: number) => ({ targetPortal: '10.0.0.5', iqn: IQN, lun })
    // Cut after 230 characters, it ends with a dot.
    const name = `${'n'.repeat(165)}.${'m'.repeat(80)}`
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 's'.repeat(63) },
      spec: {
        containers: [],
        volumes: [
          { name: 'first', iscsi: iscsi(1) },
          { name: 'second', iscsi: iscsi(2) },
        ],
      },
    }
    const names = migrate([pod], DRIVER).volumes.map(({ metadata }) => metadata.name)
    expect(new Set(names).size).toBe(2)
    for (const one of names) {
      expect(one.length).toBeLessThanOrEqual(253)
      expect(one).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
    }
  })

  it('or fails if there is none', () =>
    expect(codeOf(() => migrate([{ kind: 'Pod' }], DRIVER))).toBe('BAD_REQUEST'))
})

describe('the plan', () => {
  const pod = {
    kind: 'Pod',
    metadata: { name: 'db', namespace: 'prod' },
    spec: { volumes: [{ name: 'data', iscsi: { targetPortal: '10.0.0.5', iqn: IQN, lun: 7 } }] },
  }

  it('saves every kind of object that it has the user delete', () => {
    const { plan } = migrate([pod], DRIVER)
    const commands = plan.flatMap((step) => step.commands)
    expect(commands).toContain('kubectl delete pod -n prod db')
    expect(commands[0]).toMatch(/^kubectl get .*\bpods\b.* > before\.yaml$/)
  })

  it('a rollback deletes the new claims before their volumes, which would wait for them', () => {
    const { rollback, claims, volumes } = migrate([pod], DRIVER)
    expect(rollback.flatMap(({ commands }) => commands)).toEqual([
      `kubectl delete pvc -n prod ${claims[0]!.metadata.name}`,
      `kubectl delete pv ${volumes[0]!.metadata.name}`,
    ])
  })
})

describe('accessModesOf keeps one access mode', () => {
  const modesOf = (given: string[], more: { readOnly?: boolean; block?: boolean } = {}) =>
    accessModesOf(given, { readOnly: false, block: false, ...more }).join()

  it.each([
    [['ReadOnlyMany', 'ReadWriteOnce'], {}, 'ReadWriteOnce'],
    [['ReadWriteOnce', 'ReadOnlyMany'], { readOnly: true }, 'ReadOnlyMany'],
    [['ReadWriteMany', 'ReadWriteOnce'], {}, 'ReadWriteOnce'],
    [['ReadWriteOnce', 'ReadWriteMany'], { block: true }, 'ReadWriteMany'],
    [['ReadWriteOnce', 'ReadOnlyMany'], { block: true }, 'ReadWriteOnce'],
    [['ReadWriteOncePod'], {}, 'ReadWriteOncePod'],
    [['ReadWriteMany'], {}, 'ReadWriteMany'],
    [[], {}, 'ReadWriteOnce'],
  ])('%j %j: %s', (given, more, mode) => expect(modesOf(given, more)).toBe(mode))
})
