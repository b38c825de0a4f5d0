import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import * as apps from 'kubernetes-models/apps/v1'
import * as rbac from 'kubernetes-models/rbac.authorization.k8s.io/v1'
import * as storage from 'kubernetes-models/storage.k8s.io/v1'
import * as core from 'kubernetes-models/v1'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse as parseYaml, parseAllDocuments, stringify } from 'yaml'

import { COMMANDS } from '../../../src/cli/commands.ts'
import { parse } from '../../../src/cli/input/parse.ts'
import { temporary } from '../../unit/temporary.ts'
import type { Render } from './renderer.ts'
import { buildRenderer } from './renderer.ts'

const deploy = join(import.meta.dirname, '../../../deploy')
const chart = join(deploy, 'helm/lunkeeper')

interface Resource {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: { template: { spec: PodSpec } }
  readonly subjects?: unknown
  readonly roleRef?: unknown
}
interface PodSpec {
  containers: { image: string; imagePullPolicy?: string; args: string[]; ports?: unknown[] }[]
  volumes: { hostPath: { path: string } }[]
}

const MODELS: Record<string, new (data: never) => { validate(): void }> = {
  ...core,
  ...apps,
  ...storage,
  ...rbac,
}
const IMAGES = {
  image: { repository: 'images/lunkeeper' },
  registrar: { image: { repository: 'images/registrar' } },
  attacher: { image: { repository: 'images/attacher' } },
}

let render: Render
beforeAll(async () => {
  render = await buildRenderer(chart, temporary())
}, 600_000)

async function rendered(values: object = {}, ...where: string[]): Promise<Resource[]> {
  const { code, stdout, stderr } = await render(stringify({ ...IMAGES, ...values }), ...where)
  expect(code, stderr).toBe(0)
  return parseAllDocuments(stdout).flatMap((document) => (document.toJS() as Resource | null) ?? [])
}

const read = (path: string) =>
  parseYaml(readFileSync(join(deploy, 'kubernetes', path), 'utf8')) as Resource & {
    readonly patches?: readonly { readonly target: { readonly kind: string }; readonly patch: string }[]
    readonly components?: readonly string[]
  }
const WORKLOADS = ['csidriver.yaml', 'daemonset.yaml', 'controller.yaml']
const readAll = (path: string) =>
  parseAllDocuments(readFileSync(join(deploy, 'kubernetes', path), 'utf8')).map(
    (document) => document.toJS() as Resource,
  )
/** Roles and accounts, without the metadata that depends on where they are. */
const bare = (resource: Resource | undefined) => resource && { ...resource, metadata: null }
const named = (resources: readonly Resource[], { kind, metadata }: Resource) =>
  resources.find((one) => one.kind === kind && one.metadata.name === metadata.name)
const of = (resources: readonly Resource[], kind: string) => resources.find((one) => one.kind === kind)!
const podOf = (resources: readonly Resource[]) => of(resources, 'DaemonSet').spec.template.spec

/** As the API server fills it in, or as a user's own overlay does: images. */
function comparable(resource: Resource): unknown {
  const spec = structuredClone(resource.spec)
  for (const container of spec.template?.spec.containers ?? []) {
    container.image = container.image.replace(/^images\//, '').replace(/:.*/, '')
    container.image = container.image.replace(/^csi-(?:node-driver-)?/, '')
    delete container.imagePullPolicy
  }
  return spec
}

/** A resource after the patches (RFC 6902) of a kustomization and of its components. */
function patched(overlay: string, resource: Resource): Resource {
  const result = structuredClone(resource) as unknown as Record<string, unknown>
  const own = read(`overlays/${overlay}/kustomization.yaml`)
  const parts = [own, ...componentsOf(overlay).map((name) => read(`components/${name}/kustomization.yaml`))]
  for (const { target, patch } of parts.flatMap(({ patches = [] }) => patches))
    for (const { path, value } of target.kind === resource.kind
      ? (parseYaml(patch) as { path: string; value: unknown }[])
      : []) {
      const keys = path.split('/').slice(1)
      const last = keys.pop()!
      const parent = keys.reduce<Record<string, unknown>>(
        (at, key) => at[key] as Record<string, unknown>,
        result,
      )
      if (last === '-') (parent as unknown as unknown[]).push(value)
      else parent[last] = value
    }
  return result as unknown as Resource
}

function componentsOf(overlay: string): string[] {
  return (read(`overlays/${overlay}/kustomization.yaml`).components ?? []).map((path) => basename(path))
}

describe('the chart is what the manifests are', () => {
  it('the chart with nothing but its images set is the base', async () => {
    const resources = await rendered()
    const files = ['agent-role.yaml', 'controller-role.yaml', 'serviceaccount.yaml', ...WORKLOADS]
    const wanted = files.flatMap((file) => readAll(`base/${file}`))
    expect(resources.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual(
      wanted.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted(),
    )
    for (const one of wanted.filter(({ kind }) => /Role|Account/.test(kind)))
      expect(bare(named(resources, one)), one.metadata.name).toEqual(bare(one))
    for (const file of WORKLOADS)
      expect(comparable(of(resources, read(`base/${file}`).kind))).toEqual(comparable(read(`base/${file}`)))
    for (const resource of resources) new MODELS[resource.kind]!(resource as never).validate()
  })

  it.each([
    ['takeover', { driverName: 'iscsi.csi.k8s.io' }],
    ['metrics', { metrics: { podMonitor: true } }],
    ['events', { events: true }],
    ['evict', { events: true, evictBroken: true }],
  ])('the chart with the values for %s is that overlay', async (overlay, values) => {
    const resources = await rendered(values)
    for (const file of WORKLOADS) {
      const wanted = patched(overlay, read(`base/${file}`))
      const found = of(resources, wanted.kind)
      expect(comparable(found)).toEqual(comparable(wanted))
      expect(wanted.kind === 'CSIDriver' ? found.metadata.name : '').toBe(
        wanted.kind === 'CSIDriver' ? wanted.metadata.name : '',
      )
    }
    const parts = componentsOf(overlay)
    const roles = resources.filter(({ kind }) => kind.startsWith('ClusterRole'))
    // Besides those of agent and controller.
    expect(roles).toHaveLength(4 + 2 * parts.length)
    for (const wanted of parts.flatMap((name) => [
      read(`components/${name}/role.yaml`),
      read(`components/${name}/binding.yaml`),
    ])) {
      const found = roles.find(
        ({ kind, metadata }) => kind === wanted.kind && metadata.name === wanted.metadata.name,
      )
      expect({ ...found, metadata: null }).toEqual({ ...wanted, metadata: null })
    }
    for (const resource of resources)
      if (resource.kind !== 'PodMonitor') new MODELS[resource.kind]!(resource as never).validate()
    if (overlay === 'metrics')
      expect(of(resources, 'PodMonitor').spec).toEqual(read('overlays/metrics/podmonitor.yaml').spec)
  })
})

describe('the values of the chart are checked and used', () => {
  it('a chart without an image is refused, in words', async () => {
    const { code, stderr } = await render('{}')
    expect(code).toBe(1)
    expect(stderr).toContain('image.repository: where the image was pushed to')
    const { attacher, ...rest } = IMAGES
    expect((await render(stringify(rest))).stderr).toContain('attacher.image.repository')
    expect((await render(stringify({ image: rest.image, attacher }))).stderr).toContain(
      'registrar.image.repository',
    )
  })

  it('an eviction without events is refused, in words', async () => {
    const { code, stderr } = await render(stringify({ ...IMAGES, evictBroken: true }))
    expect(code).toBe(1)
    expect(stderr).toContain('evictBroken needs events: true')
  })

  it('the roles of two releases do not meet', async () => {
    const resources = await rendered({ events: true, evictBroken: true }, 'other', 'storage')
    const cluster = resources.filter(({ kind }) => kind.startsWith('ClusterRole'))
    expect([...new Set(cluster.map(({ metadata }) => metadata.name))].toSorted()).toEqual([
      'storage-agent',
      'storage-controller',
      'storage-events',
      'storage-evict',
    ])
    for (const { kind, subjects, roleRef, metadata } of cluster)
      if (kind === 'ClusterRoleBinding') {
        const name = metadata.name === 'storage-controller' ? 'lunkeeper-controller' : 'lunkeeper'
        expect(subjects).toEqual([{ kind: 'ServiceAccount', name, namespace: 'storage' }])
        expect(roleRef).toMatchObject({ name: metadata.name })
      }
  })

  it('the values go where they are meant to', async () => {
    const resources = await rendered(
      {
        image: { repository: 'r:5000/l', tag: 'v9', pullPolicy: 'Always' },
        registrar: { image: { repository: 'r:5000/reg', tag: 'v3' }, resources: null },
        attacher: { image: { repository: 'r:5000/att', tag: 'v5' }, resources: null },
        controller: { replicas: 1, nodeSelector: { san: 'west' }, tolerations: [], resources: null },
        volumeHealth: true,
        imagePullSecrets: [{ name: 'pull' }],
        kubeletDir: '/data/kubelet',
        verbose: true,
        metrics: { port: 1234 },
        nodeSelector: { 'kubernetes.io/os': null, san: 'east' },
        tolerations: [],
        affinity: { nodeAffinity: {} },
        priorityClassName: 'mine',
        resources: { limits: { memory: '1Gi' } },
        maxUnavailable: 1,
      },
      'other',
      'storage',
    )
    for (const resource of resources) {
      new MODELS[resource.kind]!(resource as never).validate()
      if (!resource.kind.startsWith('C')) expect(resource.metadata.namespace).toBe('storage')
    }
    const pod = podOf(resources)
    const [agent, registrar] = pod.containers
    expect(agent).toMatchObject({
      image: 'r:5000/l:v9',
      imagePullPolicy: 'Always',
      resources: { requests: { cpu: '20m' }, limits: { memory: '1Gi' } },
      livenessProbe: { httpGet: { port: 1234 } },
      readinessProbe: { httpGet: { port: 1234 } },
    })
    const parsed = parse(COMMANDS, agent!.args)
    if (parsed.kind !== 'run') expect.unreachable()
    expect(parsed.options).toMatchObject({
      'csi-endpoint': 'unix:///data/kubelet/plugins/iscsi.csi.lunkeeper/csi.sock',
      http: '127.0.0.1:1234',
    })
    expect(agent!.args).toContain('--verbose')
    expect(registrar).toMatchObject({
      image: 'r:5000/reg:v3',
      args: [
        '--csi-address=/csi/csi.sock',
        '--kubelet-registration-path=/data/kubelet/plugins/iscsi.csi.lunkeeper/csi.sock',
        '--timeout=10s',
      ],
    })
    expect(agent!.args).toContain('--csi-volume-health')
    const controller = of(resources, 'Deployment')
    expect(controller.spec).toMatchObject({ replicas: 1 })
    expect(controller.spec.template.spec).toMatchObject({
      imagePullSecrets: [{ name: 'pull' }],
      nodeSelector: { san: 'west' },
      containers: [{ image: 'r:5000/l:v9' }, { image: 'r:5000/att:v5' }],
    })
    expect(JSON.stringify(controller)).not.toMatch(/"resources"|"tolerations"/)
    expect(registrar).not.toHaveProperty('resources')
    expect(pod).toMatchObject({
      imagePullSecrets: [{ name: 'pull' }],
      nodeSelector: { san: 'east' },
      affinity: { nodeAffinity: {} },
      priorityClassName: 'mine',
    })
    expect(pod).not.toHaveProperty('tolerations')
    expect(JSON.stringify(pod)).not.toContain('/var/lib/kubelet')
    expect(of(resources, 'DaemonSet').spec).toMatchObject({
      updateStrategy: { rollingUpdate: { maxUnavailable: 1 } },
    })
  })

  it('every value of values.yaml is used, and no other is asked for', () => {
    const templates = [
      '_names.tpl',
      'agent-role.yaml',
      'controller-role.yaml',
      'controller.yaml',
      'csidriver.yaml',
      'daemonset.yaml',
      'events.yaml',
      'evict.yaml',
      'podmonitor.yaml',
      'serviceaccount.yaml',
    ]
      .map((name) => readFileSync(join(chart, 'templates', name), 'utf8'))
      .join('\n')
    const asked = [...new Set([...templates.matchAll(/\.Values\.([\w.]+)/g)].map(([, key]) => key!))]
    const own = parseYaml(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>
    for (const key of asked) {
      const value = key.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], own)
      expect(value, key).toBeDefined()
    }
    const whole = (key: string, value: unknown): string[] =>
      asked.includes(key) || value === null || typeof value !== 'object'
        ? [key]
        : Object.entries(value).flatMap(([part, inner]) => whole(key === '' ? part : `${key}.${part}`, inner))
    for (const key of whole('', own)) expect(asked).toContain(key)
  })

  it('the chart has the version of the program', () => {
    const { version } = JSON.parse(readFileSync(join(deploy, '../package.json'), 'utf8')) as {
      version: string
    }
    expect(parseYaml(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({ appVersion: version })
  })
})
