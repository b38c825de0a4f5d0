import type { Diagnosis, Finding, Repair, Severity } from '../../doctor/finding.ts'
import { bySeverity } from '../../doctor/finding.ts'
import type { Look } from './look.ts'
import { wrap } from './wrap.ts'

const STYLE: Readonly<Record<Severity, Parameters<Look['paint']>[0]>> = {
  critical: 'red',
  warning: 'yellow',
  info: 'dim',
}

/** `critical` and two blanks, so that messages start in one column. */
const INDENT = 10

/** The findings, worst first, each with its remedy. */
export function doctorText({ findings, repairs = [] }: Diagnosis, look: Look): string {
  const done = repairs.map((repair) => repairText(repair, look)).join('')
  if (findings.length === 0) return `${done}No findings on this node.\n`
  return (
    done +
    bySeverity(findings)
      .map((finding) => findingText(finding, look))
      .join('\n')
  )
}

function findingText({ code, severity, subject, message, fix }: Finding, look: Look): string {
  const label = look.paint(STYLE[severity], severity) + ' '.repeat(INDENT - severity.length)
  const head = `${label}${look.paint('bold', subject)}  ${look.paint('dim', code)}\n`
  return head + block(message, look) + (fix === null ? '' : block(`fix: ${fix}`, look))
}

function block(text: string, look: Look): string {
  return wrap(text, look.width - INDENT)
    .map((line) => `${' '.repeat(INDENT)}${line}\n`)
    .join('')
}

function repairText({ action, done, error }: Repair, look: Look): string {
  const outcome = done ? 'done' : error === null ? 'would' : 'failed'
  const label = look.paint(done ? 'green' : error === null ? 'dim' : 'red', outcome)
  return `${label}${' '.repeat(INDENT - outcome.length)}${action}${error === null ? '' : `: ${error}`}\n`
}
