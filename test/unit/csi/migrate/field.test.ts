import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it, test } from 'vitest'

import { readManifests } from '../../../../src/cli/input/manifests.ts'
import { manifestsText } from '../../../../src/cli/output/manifests.ts'
import { parseKubernetesYaml } from '../../../../src/cli/input/kubernetes-yaml.ts'
import { checkMigration } from '../../../../src/csi/migrate/check.ts'
import { migrate } from '../../../../src/csi/migrate/migrate.ts'
import { splitMountOptions } from '../../../../src/model/mount-options.ts'

const HERE = fileURLToPath(new URL('../../../field/manifests/', import.meta.url))
const DRIVER = 'iscsi.csi.lunkeeper'

interface Answer {
  readonly file: string
  readonly source: string
  /** Part of each new volume, in order. */
  readonly volumes: readonly object[]
  /** How many different handles there are. */
  readonly handles?: number
  readonly absent_handles?: readonly string[]
  readonly notes?: readonly string[]
  readonly warnings?: readonly string[]
  readonly findings?: readonly string[]
  /** Old names of volumes that are not read-only, or have no Secret. */
  readonly writable?: readonly string[]
  readonly no_secret?: readonly string[]
  readonly claims?: number
  /** Part of the first claim. */
  readonly claim?: object
  readonly patches?: readonly { readonly change: object; readonly patched: boolean }[]
}

const ANSWERS = JSON.parse(readFileSync(`${HERE}answers.json`, 'utf8')) as readonly Answer[]

async function migrated(file: string) {
  const warnings: string[] = []
  const objects = await readManifests(HERE + file, (message) => warnings.push(message))
  return { ...migrate(objects, DRIVER), objects, warnings }
}

describe('manifests modelled on real reports', () => {
  it.each(ANSWERS)('$file: $source', async (answer) => {
    const result = await migrated(answer.file)
    const { volumes, claims, patches, notes, warnings } = result
    expect(volumes).toHaveLength(answer.volumes.length)
    expect(volumes).toMatchObject(answer.volumes)
    const handles = volumes.map(({ spec }) => spec.csi.volumeHandle)
    if (answer.handles !== undefined) expect(new Set(handles).size).toBe(answer.handles)
    for (const handle of handles) {
      expect(Buffer.byteLength(handle)).toBeLessThanOrEqual(128)
      expect(answer.absent_handles ?? []).not.toContain(handle)
    }
    const said = notes.map(({ volume, message }) => `${volume}: ${message}`).join('\n')
    for (const text of answer.notes ?? []) expect(said).toContain(text)
    for (const text of answer.warnings ?? []) expect(warnings.join('\n')).toContain(text)
    const byName = new Map(volumes.map((volume) => [volume.metadata.name, volume.spec.csi]))
    for (const name of answer.writable ?? [])
      expect(byName.get(`${name}-lunkeeper`)?.readOnly).toBeUndefined()
    for (const name of answer.no_secret ?? [])
      expect(byName.get(`${name}-lunkeeper`)).not.toHaveProperty('nodeStageSecretRef')
    expect(claims).toHaveLength(answer.claims ?? 0)
    if (answer.claim) expect(claims[0]).toMatchObject(answer.claim)
    for (const { patch, claim } of patches) {
      expect(claims.map(({ metadata }) => metadata.name)).toContain(claim)
      if (patch) expect(JSON.stringify(patch)).toContain(`"claimName":"${claim}"`)
    }
    expect(patches).toMatchObject((answer.patches ?? []).map(({ change }) => change))
    expect(patches.map(({ patch }) => patch !== null)).toEqual(
      (answer.patches ?? []).map(({ patched }) => patched),
    )
    const findings = checkMigration(result).map(({ object, message }) => `${object}: ${message}`)
    if (answer.findings) for (const text of answer.findings) expect(findings.join('\n')).toContain(text)
    else expect(findings).toEqual([])
    expect(JSON.stringify({ ...result, objects: null })).not.toContain('TopSecret')
  })

  it.each(ANSWERS)('$file: handles do not depend on the order of the input', async ({ file }) => {
    const { objects, volumes } = await migrated(file)
    const reversed = migrate(objects.toReversed(), DRIVER).volumes
    const handlesOf = (list: typeof volumes) =>
      Object.fromEntries(list.map(({ metadata, spec }) => [metadata.name, spec.csi.volumeHandle]))
    expect(handlesOf(reversed)).toEqual(handlesOf(volumes))
  })

  it.each(ANSWERS)('$file: kubectl reads exactly the objects that are printed', async ({ file }) => {
    const { volumes, claims } = await migrated(file)
    const objects = [...volumes, ...claims]
    const read = parseKubernetesYaml(manifestsText(objects), () => {})
    expect(read).toEqual(JSON.parse(JSON.stringify(objects)))
  })

  test('every manifest has an answer, and there are at least 40', () => {
    const files = readdirSync(HERE).filter((file) => /^\d/.test(file))
    expect(ANSWERS.map(({ file }) => file)).toEqual(files.toSorted())
    expect(files.length).toBeGreaterThanOrEqual(40)
  })
})

test('texts that kubectl would read as something else are quoted', () => {
  const texts = ['yes', 'off', 'y', '010', '0o10', '1_0', '0x1f', '~', 'null', '1e3', '2001-01-01']
  expect(parseKubernetesYaml(manifestsText([{ texts }]), () => {})).toEqual([{ texts }])
})

test('a comma in quotes is part of a mount option', () => {
  expect(splitMountOptions('noatime,context="a:s0:c1,c2",discard')).toEqual([
    'noatime',
    'context="a:s0:c1,c2"',
    'discard',
  ])
  expect(splitMountOptions('noatime,')).toEqual(['noatime', ''])
})
