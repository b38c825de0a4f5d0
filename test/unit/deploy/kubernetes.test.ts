import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import * as apps from 'kubernetes-models/apps/v1'
import * as rbac from 'kubernetes-models/rbac.authorization.k8s.io/v1'
import * as storage from 'kubernetes-models/storage.k8s.io/v1'
import * as core from 'kubernetes-models/v1'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { parseEndpoint } from '../../../src/csi/server/endpoint.ts'
import { parseAttributes } from '../../../src/csi/volume/attributes.ts'
import { credentialsOf } from '../../../src/csi/volume/credentials.ts'
import { COMMANDS } from '../../../src/cli/commands.ts'
import { parse } from '../../../src/cli/input/parse.ts'

const directory = join(import.meta.dirname, '../../../deploy/kubernetes')

interface Resource {
  readonly kind: string
  readonly spec: Record<string, unknown>
  readonly stringData?: Record<string, string>
  readonly metadata: { readonly name: string }
}

const read = (path: string) =>
  parseAllDocuments(readFileSync(join(directory, path), 'utf8')).map(
    (document) => document.toJS() as Resource,
  )
const filesOf = (folder: string) =>
  readdirSync(join(directory, folder))
    .filter((file) => file !== 'kustomization.yaml')
    .map((file) => `${folder}/${file}`)

const MODELS: Record<string, new (data: never) => { validate(): void }> = {
  ...core,
  ...apps,
  ...rbac,
  ...storage,
}

const daemonSet = read('base/daemonset.yaml')[0] as unknown as {
  spec: {
    template: {
      spec: {
        containers: { name: string; args: string[]; volumeMounts: { name: string }[] }[]
        volumes: { name: string }[]
      }
    }
  }
}
const pod = daemonSet.spec.template.spec
const deployment = read('base/controller.yaml')[0] as unknown as typeof daemonSet

describe("what is given to Kubernetes fits its API's schemas", () => {
  it.each(['base', 'examples', 'components/events', 'components/evict'].flatMap(filesOf))('%s', (path) => {
    const resources = read(path)
    expect(resources.length).toBeGreaterThan(0)
    for (const resource of resources) {
      const Model = MODELS[resource.kind]
      if (!Model) expect.unreachable(`${resource.kind} is not known`)
      new Model(resource as never).validate()
    }
  })

  it('the schemas are looked at: a value of another type is found', () => {
    const [driver] = read('base/csidriver.yaml')
    const wrong = { ...driver, spec: { ...driver!.spec, attachRequired: 'no' } }
    expect(() => new storage.CSIDriver(wrong as never).validate()).toThrow('must be boolean')
  })
})

describe('the manifests fit the program', () => {
  it('the agent understands its arguments', () => {
    const { args } = pod.containers.find(({ name }) => name === 'agent')!
    const parsed = parse(COMMANDS, args)
    if (parsed.kind !== 'run') expect.unreachable()
    expect(parsed.options['csi-driver']).toBe(read('base/csidriver.yaml')[0]!.metadata.name)
    const socket = parseEndpoint(String(parsed.options['csi-endpoint']))
    const registrar = pod.containers.find(({ name }) => name === 'registrar')!
    expect(registrar.args).toContain(`--kubelet-registration-path=${socket}`)
    expect(JSON.stringify(pod.volumes)).toContain(dirname(socket))
  })

  it('the controller understands its arguments, and the attacher finds its socket', () => {
    const [controller, attacher] = deployment.spec.template.spec.containers
    const parsed = parse(COMMANDS, controller!.args)
    if (parsed.kind !== 'run') expect.unreachable()
    expect(parsed.options['csi-driver']).toBe(read('base/csidriver.yaml')[0]!.metadata.name)
    const socket = parseEndpoint(String(parsed.options['csi-endpoint']))
    expect(attacher!.args).toContain(`--csi-address=${socket}`)
  })

  it('every mount has its volume', () => {
    for (const { containers, volumes } of [pod, deployment.spec.template.spec])
      for (const { volumeMounts } of containers)
        for (const { name } of volumeMounts) expect(volumes.map((volume) => volume.name)).toContain(name)
  })

  it('a registrar that waits for an agent on a busy node', () => {
    const registrar = pod.containers.find(({ name }) => name === 'registrar')!
    expect(registrar.args).toContain('--timeout=10s')
  })

  it('every example is a volume that would be attached', () => {
    for (const { kind, spec, stringData } of filesOf('examples').flatMap(read)) {
      const { csi } = (spec ?? {}) as { csi?: { volumeAttributes: Record<string, string> } }
      if (kind === 'PersistentVolume') expect(parseAttributes(csi!.volumeAttributes).warnings).toEqual([])
      if (kind === 'Secret') expect(credentialsOf(stringData!, {})?.mutual).not.toBeNull()
    }
  })
})

interface Kustomization {
  readonly resources: readonly string[]
  readonly components?: readonly string[]
  readonly patches?: readonly { readonly target: { readonly kind: string }; readonly patch: string }[]
}
const kustomizationOf = (folder: string) =>
  read(`${folder}/kustomization.yaml`)[0] as unknown as Kustomization

describe('who may do what', () => {
  interface Binding {
    readonly roleRef: { readonly kind: string; readonly name: string }
    readonly subjects: readonly object[]
  }
  /** The DaemonSet with what these components add to it. */
  function patched(...components: string[]) {
    const made = structuredClone(daemonSet)
    for (const component of components)
      for (const { patch } of kustomizationOf(`components/${component}`).patches ?? [])
        for (const { op, path, value } of parseAllDocuments(patch)[0]!.toJS() as {
          op: string
          path: string
          value: unknown
        }[]) {
          expect(op).toBe('add')
          const keys = path.split('/').slice(1, -1)
          expect(path).toMatch(/\/-$/)
          const list = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], made)
          ;(list as unknown[]).push(value)
        }
    new apps.DaemonSet(made as never).validate()
    return made.spec.template.spec
  }

  it('the agent of the base: one question, and no flag that makes it say anything', () => {
    const [role] = read('base/agent-role.yaml') as unknown as { rules: unknown }[]
    expect(role!.rules).toEqual([
      { apiGroups: ['storage.k8s.io'], resources: ['volumeattachments'], verbs: ['get'] },
    ])
    expect(pod.containers[0]!.args.join()).not.toMatch(/kubernetes,|evict/)
    expect(JSON.stringify([pod, read('base/serviceaccount.yaml')])).toMatch(
      /(?:"automountServiceAccountToken":false.*){3}/,
    )
  })

  it('the controller may not read secrets or pods, or delete anything', () => {
    const rules = read('base/controller-role.yaml').flatMap(
      (role) => (role as unknown as { rules?: { resources: string[]; verbs: string[] }[] }).rules ?? [],
    )
    const allowed = rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    )
    expect(allowed).not.toEqual(expect.arrayContaining([expect.stringMatching(/secrets|pods|delete|\*/)]))
    expect(allowed).toContain('list volumeattachments')
  })

  it.each([
    ['lunkeeper', ['components/events/role.yaml', 'components/events/binding.yaml']],
    ['lunkeeper', ['components/evict/role.yaml', 'components/evict/binding.yaml']],
    ['lunkeeper', ['base/agent-role.yaml']],
    ['lunkeeper-controller', ['base/controller-role.yaml']],
  ])('account %s: the roles of %s, by the names that they have', (account, files) => {
    const accounts = read('base/serviceaccount.yaml').map(({ metadata }) => metadata.name)
    expect(accounts).toContain(account)
    const all = files.flatMap(read)
    const roles = all.filter(({ kind }) => kind.endsWith('Role'))
    const bindings = all.filter(({ kind }) => kind.endsWith('Binding')) as unknown as Binding[]
    expect(bindings.map(({ roleRef }) => `${roleRef.kind} ${roleRef.name}`)).toEqual(
      roles.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    )
    for (const { subjects } of bindings)
      expect(subjects).toEqual([
        {
          kind: 'ServiceAccount',
          name: account,
          namespace: read('base/namespace.yaml')[0]!.metadata.name,
        },
      ])
    expect(JSON.stringify(roles)).not.toContain('*')
  })

  it('each pod runs as the account that its role is for', () => {
    const accountOf = ({ spec }: typeof daemonSet) =>
      (spec.template.spec as unknown as { serviceAccountName: string }).serviceAccountName
    expect([daemonSet, deployment].map(accountOf)).toEqual(['lunkeeper', 'lunkeeper-controller'])
  })

  it('a token for the agent alone, where it looks for one; eviction only with its own component', () => {
    const [agent, registrar] = pod.containers
    const mounts = (container: unknown) =>
      (container as { volumeMounts: { mountPath: string }[] }).volumeMounts
    expect(mounts(agent).at(-1)).toMatchObject({ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' })
    expect(JSON.stringify(mounts(registrar))).not.toContain('secrets')
    const flags = (args: string[]) => {
      const parsed = parse(COMMANDS, args)
      if (parsed.kind !== 'run') expect.unreachable()
      return [parsed.options['kubernetes'], parsed.options['evict-broken']]
    }
    expect(flags(agent!.args)).toEqual([undefined, undefined])
    expect(flags(patched('events').containers[0]!.args)).toEqual([true, undefined])
    expect(flags(patched('events', 'evict').containers[0]!.args)).toEqual([true, true])
  })
})

describe.each([
  'base',
  'overlays/takeover',
  'overlays/metrics',
  'overlays/events',
  'overlays/evict',
  'components/events',
  'components/evict',
])('kustomization of %s', (folder) => {
  const kustomization = kustomizationOf(folder)

  it('has what it names', () => {
    for (const resource of [...kustomization.resources, ...(kustomization.components ?? [])])
      expect(existsSync(join(directory, folder, resource)), resource).toBe(true)
  })

  it('replaces what is meant: the same flag, another value', () => {
    for (const { target, patch } of kustomization.patches ?? [])
      for (const { op, path, value } of parseAllDocuments(patch)[0]!.toJS() as {
        op: string
        path: string
        value: string
      }[]) {
        const workload = { DaemonSet: daemonSet, Deployment: deployment }[target.kind]
        if (op !== 'replace' || !workload) continue
        const old = path
          .split('/')
          .slice(1)
          .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], workload)
        expect(typeof old).toBe('string')
        const beginning = (text: string) => text.replace(/=.*|iscsi\.csi\..*/, '')
        expect(beginning(value)).toBe(beginning(old as string))
      }
  })
})
