import type { Diagnosis, Finding, Repair, Severity } from '../../doctor/finding.ts'
import { bySeverity } from '../../doctor/finding.ts'
import type { Display } from './display.ts'
import { wrap } from './wrap.ts'

const STYLE: Readonly<Record<Severity, Parameters<Display['paint']>[0]>> = {
  critical: 'red',
  warning: 'yellow',
  info: 'dim',
}

/** The width of `critical` and two spaces, so that messages start in one column. */
const INDENT = 10

/** The repairs, then the findings with their fixes, the most severe first. */
export function doctorText({ findings, repairs = [] }: Diagnosis, display: Display): string {
  const done = repairs.map((repair) => repairText(repair, display)).join('')
  if (findings.length === 0) return `${done}No findings on this node.\n`
  return (
    done +
    bySeverity(findings)
      .map((finding) => findingText(finding, display))
      .join('\n')
  )
}

function findingText({ code, severity, subject, message, fix }: Finding, display: Display): string {
  const label = display.paint(STYLE[severity], severity) + ' '.repeat(INDENT - severity.length)
  const head = `${label}${display.paint('bold', subject)}  ${display.paint('dim', code)}\n`
  return head + indented(message, display) + (fix === null ? '' : indented(`fix: ${fix}`, display))
}

function indented(text: string, display: Display): string {
  return wrap(text, display.width - INDENT)
    .map((line) => `${' '.repeat(INDENT)}${line}\n`)
    .join('')
}

function repairText({ action, done, error }: Repair, display: Display): string {
  const outcome = done ? 'done' : error === null ? 'would' : 'failed'
  const label = display.paint(done ? 'green' : error === null ? 'dim' : 'red', outcome)
  return `${label}${' '.repeat(INDENT - outcome.length)}${action}${error === null ? '' : `: ${error}`}\n`
}
