import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a directory and those above it. Node's `recursive` loops forever where the parent exists and the kernel refuses the
 * directory with ENOENT, as in /proc.
 * @returns the first directory that was made; undefined if it existed
 * @throws the error of the system call
 */
export function makeDirectories(path: string, mode: number): string | undefined {
  try {
    mkdirSync(path, { mode })
    return path
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(path).isDirectory()) return undefined
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
  }
  const first = makeDirectories(dirname(path), mode)
  const made = makeDirectories(path, mode)
  return first ?? made
}
