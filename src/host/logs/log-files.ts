import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import { logSource } from './log-source.ts'

/** A log that is open for reading. */
export interface LogFile {
  readonly name: string
  readonly bytes: AsyncIterable<Buffer>
  /** The same for all files of one rotated set. */
  readonly set: string
}

/** Deep enough for /var/log/pods/POD/CONTAINER/0.log below a copy of a machine's root. */
const DEEPEST = 6
/** All files are open at the same time; a process may open 1024. */
const MAX_FILES = 500

/**
 * The logs named on a command line: files, standard input, and all files in directories.
 * @throws USAGE standard input is named twice · LOG_UNREADABLE a directory has no readable file, or too many
 */
export async function logFiles(sources: readonly string[]): Promise<LogFile[]> {
  if (sources.filter((source) => source === '-').length > 1)
    throw new LunkeeperError('USAGE', 'standard input (-) is named twice', {
      hint: 'It can be read only once.',
    })
  const names: string[] = []
  for (const source of new Set(sources)) {
    if (!(await isDirectory(source))) names.push(source)
    else names.push(...(await filesBelow(source)))
  }
  if (names.length > MAX_FILES)
    throw new LunkeeperError(
      'LOG_UNREADABLE',
      `${names.length} files are more than can be read side by side (${MAX_FILES})`,
      {
        hint: 'Name only the relevant ones: syslog, kern.log, messages and their rotated sets.',
      },
    )
  return oldestFirst(names).map((name) => ({ name, set: rotationSet(name), bytes: logSource(name) }))
}

/** Sorts a set by rotation number or date: if lines have no dates, the order of files is the only information. */
function oldestFirst(names: readonly string[]): readonly string[] {
  return [...Map.groupBy(names, rotationSet).values()].flatMap((set) =>
    set.toSorted((a, b) => ageOf(b) - ageOf(a)),
  )
}

/** Higher numbers are older; the current file has no number. */
function ageOf(name: string): number {
  const suffix = /[.-](\d{1,8})[\d.T-]*(?:\.(?:gz|zst|xz|bz2))?$/.exec(name)?.[1]
  if (suffix === undefined) return -1
  // Dates sort the other way round.
  return suffix.length === 8 ? 1e9 - Number(suffix) : Number(suffix)
}

async function isDirectory(source: string): Promise<boolean> {
  if (source === '-') return false
  return (await stat(source).catch(() => null))?.isDirectory() ?? false
}

async function filesBelow(directory: string): Promise<string[]> {
  const files: string[] = []
  async function look(place: string, depth: number): Promise<void> {
    const entries = await readdir(place, { withFileTypes: true }).catch((): Dirent[] => [])
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(place, entry.name)
      if (entry.isDirectory() && depth < DEEPEST) await look(path, depth + 1)
      // A symbolic link, as in /var/log/containers, is read if it leads to a file.
      else if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) files.push(path)
      if (files.length > MAX_FILES) return
    }
  }
  await look(directory, 0)
  if (files.length === 0)
    throw new LunkeeperError('LOG_UNREADABLE', `${directory} is a directory without a readable file`)
  return files
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false
}

/** /var/log/syslog for syslog, syslog.1, syslog.2.gz, syslog-20260101.xz. */
export function rotationSet(name: string): string {
  return name.replace(/\.(?:gz|zst|xz|bz2)$/, '').replace(/(?:\.\d{1,4}|[-.]\d{8}(?:[-.T]?\d{2,10})?)$/, '')
}
