import { FINDINGS } from '../../doctor/codes.ts'

/** `docs/findings.md`: every finding there is. Written by `scripts/docs.mjs`. */
export function findingsPage(): string {
  const sections = Object.entries(FINDINGS).map(
    ([code, { meaning, evidence, remedy }]) =>
      `## ${code}\n\n${meaning}\n\nEvidence: ${evidence}\n\nWhat to do: ${remedy}\n`,
  )
  return `${INTRODUCTION}\n${sections.join('\n')}`
}

const INTRODUCTION = `<!-- Made by scripts/docs.mjs from src/doctor/codes.ts: change that, and run it. -->

# Findings

What \`lunkeeper doctor\` can find. With \`--json\`:

    { "findings": [ { "code", "severity": "critical|warning|info", "subject", "message", "evidence": {}, "fix" } ] }

and with \`--fix\` or \`--dry-run\` also \`"repairs": [ { "code", "subject", "action", "done", "error" } ]\`. Codes are a contract:
none is renamed or used for something else. Exit status 3 where anything is critical or a warning; 0 else.
`
