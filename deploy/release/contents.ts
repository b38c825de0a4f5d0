import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const project = join(import.meta.dirname, '../..')

/** A piece of software inside what is released. */
export interface Component {
  readonly name: string
  readonly version: string
  /** SPDX expression. */
  readonly license: string
  /** As in package-lock.json: `sha512-` and base64. */
  readonly integrity: string | null
  /** Text of its licence files. */
  readonly licenseText: string
}

/** The packages whose code is in the program: by what the bundler took, not by what was declared. */
export async function bundled(parts: string): Promise<readonly Component[]> {
  const inputs = JSON.parse(await readFile(join(parts, 'inputs.json'), 'utf8')) as string[]
  const places = new Set(
    inputs.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  )
  const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity?: string }>
  }
  return await Promise.all([...places].toSorted().map((place) => component(place, lock.packages[place])))
}

async function component(
  place: string,
  locked: { version: string; integrity?: string } | undefined,
): Promise<Component> {
  const directory = join(project, place)
  const { name, version, license } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  if (locked?.version !== version) throw new Error(`${place}: ${version} is installed, which is not locked`)
  if (license === undefined) throw new Error(`${place}: its package.json names no licence`)
  return {
    name,
    version,
    license,
    integrity: locked.integrity ?? null,
    licenseText: await licenseText(directory),
  }
}

/** Node, with all that is in it: OpenSSL, V8, ICU and others. @param node its bin/node in its package */
export async function nodeComponent(node: string): Promise<Component> {
  const directory = join(node, '../..')
  const { version } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    version: string
  }
  return {
    name: 'node',
    version,
    license: 'MIT',
    integrity: null,
    licenseText: await readFile(join(directory, 'LICENSE'), 'utf8'),
  }
}

async function licenseText(directory: string): Promise<string> {
  const names = (await readdir(directory))
    .filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
    .toSorted()
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
  return texts.join('\n')
}

/** What must go with the program: every licence, in full. */
export function licencesText(components: readonly Component[]): string {
  const parts = components.map(
    ({ name, version, license, licenseText: text }) =>
      `${'='.repeat(72)}\n${name} ${version}: ${license}\n\n${text.trim() || 'Its package contains no licence text.'}\n`,
  )
  return `Lunkeeper is under the Apache License, version 2.0. It contains what follows.\n\n${parts.join('\n')}`
}
