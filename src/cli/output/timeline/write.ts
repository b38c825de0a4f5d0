import { randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import type { Explanation } from '../../../explain/report.ts'
import { LunkeeperError } from '../../../model/errors.ts'
import { whyUnreadable } from '../../../model/file-error.ts'
import { explainText } from '../explain.ts'
import { PLAIN } from '../display.ts'
import { PAGE_START, timelinePage } from './page.ts'

/** Permissions of a new file, which the umask restricts. */
const NEW_MODE = 0o666

/**
 * Checks that a page may be written to a file: a new one, or an earlier page. A log must not be lost because `--html` was
 * given the wrong name.
 * @param logs the names of the logs that are read
 * @throws USAGE OUTPUT_UNWRITABLE
 */
export async function checkPageFile(file: string, logs: readonly string[]): Promise<void> {
  if (file === '-')
    throw new LunkeeperError('USAGE', '--html: standard output (-) is used by the report', {
      hint: 'Name a file: --html outage.html',
    })
  const found = await statOf(file)
  if (found === null) return
  const inputs = await Promise.all(logs.map((log) => statOf(log === '-' ? '/dev/stdin' : log)))
  if (inputs.some((input) => input !== null && input.ino === found.ino && input.dev === found.dev))
    throw new LunkeeperError('USAGE', `--html: ${file} is one of the logs to be read`, {
      hint: 'Name another file for the page: --html outage.html',
    })
  if (!found.isFile() || !(await isPage(file)))
    throw new LunkeeperError(
      'OUTPUT_UNWRITABLE',
      `--html: ${file} exists and is not a page of lunkeeper explain`,
      {
        hint: 'It was not changed. Remove it, or name another file.',
      },
    )
}

/** Writes the HTML page of a report: as a whole, or not at all. @throws OUTPUT_UNWRITABLE USAGE */
export async function writeTimeline(file: string, explanation: Explanation): Promise<void> {
  const [summary = ''] = explainText(explanation, PLAIN).split('\n')
  // Reading the logs took a while.
  await checkPageFile(file, [])
  await replace(file, timelinePage(explanation, summary)).catch((cause: unknown) => {
    throw unwritable(file, cause)
  })
}

async function replace(file: string, text: string): Promise<void> {
  const earlier = await stat(file).catch(() => null)
  // A symbolic link stays one.
  const target = earlier ? await realpath(file) : file
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  try {
    const handle = await open(temporary, 'wx', earlier ? earlier.mode & 0o777 : NEW_MODE)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function isPage(file: string): Promise<boolean> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unwritable(file, cause)
  })
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PAGE_START.length), 0, PAGE_START.length, 0)
    return buffer.subarray(0, bytesRead).equals(Buffer.from(PAGE_START))
  } finally {
    await handle.close()
  }
}

/** Null if there is no such file. */
async function statOf(file: string): Promise<BigIntStats | null> {
  return await stat(file, { bigint: true }).catch(() => null)
}

function unwritable(file: string, cause: unknown): LunkeeperError {
  return new LunkeeperError('OUTPUT_UNWRITABLE', `${file} cannot be written: ${whyUnreadable(cause)}`, {
    cause,
  })
}
