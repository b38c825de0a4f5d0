import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LabError } from '../error.ts'
import type { Debian } from './packages.ts'

const codenames = 'buster|bullseye|bookworm|trixie|forky|duke|sid|oldstable|stable|testing|unstable'
const suite = new RegExp(`^(?:${codenames})(-updates|-security|/updates)?$`)

/**
 * The machine's own package sources with the suite's name changed, as one-line entries or deb822 stanzas. Mirrors,
 * proxies, credentials and keys stay those of the machine. Only sources that carry Debian itself (a suite with a
 * Debian name and the component `main`) are used. See sources.list(5).
 */
export async function sourcesFor(
  debian: Debian,
  etc = '/etc/apt',
): Promise<{ lines: string; stanzas: string }> {
  const parts = await readdir(join(etc, 'sources.list.d')).catch(() => [])
  const list = [
    join(etc, 'sources.list'),
    ...parts.filter((name) => name.endsWith('.list')).map((name) => join(etc, 'sources.list.d', name)),
  ]
  const deb822 = parts
    .filter((name) => name.endsWith('.sources'))
    .map((name) => join(etc, 'sources.list.d', name))
  const lines = (await Promise.all(list.map(read)))
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => renameLine(line, debian))
  const stanzas = (await Promise.all(deb822.map(read)))
    .flatMap((text) => text.split(/\n\s*\n/))
    .flatMap((stanza) => renameStanza(stanza, debian))
  if (lines.length === 0 && stanzas.length === 0) {
    throw new LabError(
      `no Debian package source found under ${etc}: the lab takes its kernels from the machine's own mirror`,
    )
  }
  return { lines: unique(lines).join('\n') + '\n', stanzas: unique(stanzas).join('\n\n') + '\n' }
}

function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

function rename(name: string, debian: Debian): string | undefined {
  const found = suite.exec(name)
  if (!found) return undefined
  // `buster/updates` was the last use of the old spelling of -security
  return debian + (found[1] === '/updates' ? '-security' : (found[1] ?? ''))
}

function renameLine(line: string, debian: Debian): string[] {
  const found = /^\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line)
  if (!found) return []
  const [, options = '', uri = '', name = '', components = ''] = found
  const renamed = rename(name, debian)
  if (renamed === undefined || !components.split(/\s+/).includes('main')) return []
  return [`deb ${options}${uri} ${renamed} main`]
}

function renameStanza(stanza: string, debian: Debian): string[] {
  const body = stanza.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const field = (name: string): string | undefined =>
    body
      .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      ?.slice(name.length + 1)
      .trim()
  if (!field('Types')?.split(/\s+/).includes('deb') || field('Enabled')?.toLowerCase() === 'no') return []
  if (!field('Components')?.split(/\s+/).includes('main')) return []
  const renamed = (field('Suites') ?? '')
    .split(/\s+/)
    .map((name) => rename(name, debian))
    .filter((name) => name !== undefined)
  if (renamed.length === 0) return []
  return [
    body
      .map((line) => {
        if (/^suites:/i.test(line)) return `Suites: ${unique(renamed).join(' ')}`
        if (/^components:/i.test(line)) return 'Components: main'
        return /^types:/i.test(line) ? 'Types: deb' : line
      })
      .join('\n'),
  ]
}

function unique(items: string[]): string[] {
  return [...new Set(items)]
}
