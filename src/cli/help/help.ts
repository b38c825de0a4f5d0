import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS, LunkeeperError } from '../../model/errors.ts'
import type { AnyCommand } from '../command.ts'
import { didYouMean } from '../input/nearest.ts'
import type { Display } from '../output/display.ts'
import { commandHelp } from './command.ts'
import { errorHelp } from './error.ts'
import { overview } from './overview.ts'

/** Help on everything (null), on a command, on an error code, or on a finding of `doctor`. @throws USAGE */
export async function helpText(
  commands: readonly AnyCommand[],
  topic: string | null,
  display: Display,
): Promise<string> {
  if (topic === null || topic === 'help') return overview(commands, display)
  const command = commands.find(({ name }) => name === topic)
  if (command) return commandHelp(command, display)
  // Not loaded for the help of a command, which completion and users ask for most.
  const { findingCodes, findingHelp } = await import('./finding.ts')
  const asked = topic.toUpperCase()
  const errors = Object.keys(ERRORS) as ErrorCode[]
  const findings = findingCodes()
  const error = errors.find((code) => code === asked)
  const finding = findings.find((code) => code === asked)
  // Some codes are both.
  const pages = [error && errorHelp(error, display), finding && findingHelp(finding, display)].filter(Boolean)
  if (pages.length > 0) return pages.join('\n')
  const near = didYouMean(topic, [...commands.map(({ name }) => name), ...errors, ...findings])
  throw new LunkeeperError('USAGE', `there is no help for "${topic}"`, {
    hint: near ? `Did you mean ${near}?` : 'See `lunkeeper --help`.',
  })
}
