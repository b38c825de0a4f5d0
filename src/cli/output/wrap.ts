import { stripVTControlCharacters } from 'node:util'

/** Wraps text into lines of at most `width` columns, at spaces or at `at`. A longer word is not split. */
export function wrap(text: string, width: number, at: RegExp | string = ' '): string[] {
  if (visible(text) <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(at)) {
    if (line !== '' && visible(line) + 1 + visible(word) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length
}
