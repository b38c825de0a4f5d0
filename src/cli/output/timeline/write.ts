import { writeFile } from 'node:fs/promises'

import type { Explanation } from '../../../explain/report.ts'
import { LunkeeperError } from '../../../model/errors.ts'
import { whyUnreadable } from '../../../model/file-error.ts'
import { explainText } from '../explain.ts'
import { PLAIN } from '../display.ts'
import { timelinePage } from './page.ts'

/** Writes the HTML page of a report. @throws OUTPUT_UNWRITABLE */
export async function writeTimeline(file: string, explanation: Explanation): Promise<void> {
  const [summary = ''] = explainText(explanation, PLAIN).split('\n')
  try {
    await writeFile(file, timelinePage(explanation, summary))
  } catch (cause) {
    throw new LunkeeperError('OUTPUT_UNWRITABLE', `${file} cannot be written: ${whyUnreadable(cause)}`, {
      cause,
    })
  }
}
