import { ERRORS, isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { AnyCommand, CommandInput, Context } from './command.ts'
import { COMMANDS } from './commands.ts'
import { openContext } from './context.ts'
import type { Parsed } from './input/parse.ts'
import { errorJson, errorText, toLunkeeperError } from './output/error.ts'
import { displayOf } from './output/display.ts'
import { printableData, printableJson } from '../model/printable.ts'
import { openTerminal } from './output/terminal.ts'
import { version } from './version.ts'

/** Runs one command line. Everything on stdout is printed here. @returns the exit status */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const terminal = openTerminal(process.stderr)
  process.once('uncaughtException', (thrown) => {
    terminal.line(errorText(toLunkeeperError(thrown), terminal.display, argv.includes('--verbose')))
    process.exit(1)
  })
  try {
    if (argv.length === 1 && argv[0] === '--version') return (await print(`${version()}\n`), 0)
    const { parse } = await import('./input/parse.ts')
    const { text, status } = await answer(parse(COMMANDS, argv))
    await print(text)
    return status
  } catch (thrown) {
    const error = toLunkeeperError(thrown)
    terminal.line(errorText(error, terminal.display, argv.includes('--verbose')))
    // If this output fails as well, the exit status still reports the error.
    if (argv.includes('--json')) await print(json(errorJson(error))).catch(() => {})
    return error.exitStatus
  }

  async function answer(parsed: Parsed): Promise<{ text: string; status: number }> {
    if (parsed.kind === 'version') {
      const text = argv.includes('--json') ? json({ version: version() }) : `${version()}\n`
      return { text, status: 0 }
    }
    if (parsed.kind === 'help') {
      const { helpText } = await import('./help/help.ts')
      return { text: await helpText(COMMANDS, parsed.topic, displayOf(process.stdout)), status: 0 }
    }
    const { command, argument, more, options, globals } = parsed
    if (process.platform !== 'linux' && !command.anywhere)
      throw new LunkeeperError('USAGE', `${command.name} works on Linux only; this is ${process.platform}`, {
        hint: `On this system: ${COMMANDS.filter(({ anywhere }) => anywhere)
          .map(({ name }) => name)
          .join(', ')}.`,
      })
    await using context = openContext(globals, terminal, command.name)
    const data = await runCommand(command, context, { argument, more, options })
    if (command.isLive && data === null) return { text: '', status: 0 }
    const shown = command.isDocument ? data : printableData(data)
    const text = globals.json ? json(data) : command.text(shown, displayOf(process.stdout))
    return { text, status: command.exit?.(data) ?? 0 }
  }
}

async function runCommand(command: AnyCommand, context: Context, input: CommandInput): Promise<unknown> {
  try {
    return await command.run(context, input)
  } catch (error) {
    throw withHelpOf(command.name, error)
  }
}

/** Names the command in the hint of an error that has no hint of its own. */
function withHelpOf(command: string, error: unknown): unknown {
  if (!isLunkeeperError(error, 'USAGE') || error.hint !== ERRORS.USAGE.remedy) return error
  const { message, details, cause } = error
  return new LunkeeperError('USAGE', message, {
    hint: `See \`lunkeeper ${command} --help\`.`,
    details,
    cause,
  })
}

function json(data: unknown): string {
  return `${printableJson(data)}\n`
}

/** Resolves when the kernel has accepted the data, because the process exits right after. @throws OUTPUT_UNWRITABLE */
async function print(text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null | undefined>()
  // The callback of write() gets the same error.
  process.stdout.once('error', () => {})
  process.stdout.write(text, resolve)
  const cause = await promise
  // The reader has closed the pipe (`| head`) and needs no more output.
  if (!cause || cause.code === 'EPIPE') return
  const { whyUnreadable } = await import('../model/file-error.ts')
  throw new LunkeeperError(
    'OUTPUT_UNWRITABLE',
    `standard output cannot be written: ${whyUnreadable(cause)}`,
    {
      hint: 'The command has completed; only its output is lost. Run it again with space for the output.',
      cause,
    },
  )
}
