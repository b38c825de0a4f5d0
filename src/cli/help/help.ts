import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS, LunkeeperError } from '../../model/errors.ts'
import type { AnyCommand } from '../command.ts'
import { didYouMean } from '../input/nearest.ts'
import type { Display } from '../output/display.ts'
import { commandHelp } from './command.ts'
import { errorHelp } from './error.ts'
import { overview } from './overview.ts'

/** Help on everything (null), on a command, or on an error code. @throws USAGE */
export function helpText(commands: readonly AnyCommand[], topic: string | null, display: Display): string {
  if (topic === null || topic === 'help') return overview(commands, display)
  const command = commands.find(({ name }) => name === topic)
  if (command) return commandHelp(command, display)
  const codes = Object.keys(ERRORS)
  const code = codes.find((candidate): candidate is ErrorCode => candidate === topic.toUpperCase())
  if (code) return errorHelp(code, display)
  const near = didYouMean(topic, [...commands.map(({ name }) => name), ...codes])
  throw new LunkeeperError('USAGE', `there is no help for "${topic}"`, {
    hint: near ? `Did you mean ${near}?` : 'See `lunkeeper --help`.',
  })
}
