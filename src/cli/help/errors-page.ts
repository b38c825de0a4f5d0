import { ERRORS } from '../../model/errors.ts'

/** `docs/errors.md`: every error there is. Written by `scripts/docs.mjs`. */
export function errorsPage(): string {
  const sections = Object.entries(ERRORS).map(
    ([code, { exit, meaning, remedy }]) =>
      `## ${code}\n\n${meaning}\n\nWhat to do: ${remedy}\n\nExit status ${exit}.\n`,
  )
  return `${INTRODUCTION}\n${sections.join('\n')}`
}

const INTRODUCTION = `<!-- Made by scripts/docs.mjs from src/model/errors.ts: change that, and run it. -->

# Errors

A command that fails says so in two lines on stderr, and nothing is left half done that the same command, run
again, would not finish:

    error[LUN_ABSENT]: LUN 7 of iqn.2024-01.example:db at 10.0.0.5:3260 does not exist
    hint: Map the LUN to this initiator on the storage system; check the number.

With \`--json\` the same is the one document on stdout, \`{ "error": { "code", "message", "hint", "details" } }\`, and the
two lines are on stderr as well. Codes are a contract: none is renamed or used for something else. Messages, hints and
details may change. \`lunkeeper help CODE\` prints what stands here.

Exit status 1: it failed. 2: the request itself is wrong, and nothing was changed.
`
