import { expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import type { FindingCode } from '../../src/doctor/codes.ts'
import type { Diagnosis, Finding } from '../../src/doctor/finding.ts'
import { lunkeeper } from './node.ts'
import { SEEN_MS } from './volume.ts'

/** All findings. */
export async function diagnose(node: LabNode, ...more: string[]): Promise<Diagnosis> {
  const ended = await lunkeeper(node).run(['doctor', ...more])
  const told = JSON.parse(ended.stdout) as Diagnosis
  const isWrong = told.findings.some(({ severity }) => severity !== 'info')
  expect(ended.code, `${ended.stderr}${ended.stdout}`).toBe(isWrong ? 3 : 0)
  return told
}

/** The finding, once doctor reports it. */
export function found(node: LabNode, code: FindingCode): Promise<Finding> {
  return node.until(async () => (await diagnose(node)).findings.find((one) => one.code === code), {
    deadline: SEEN_MS,
    what: code,
  })
}

export function gone(node: LabNode, code: FindingCode): Promise<true | undefined> {
  return node.until(
    async () => (await diagnose(node)).findings.every((one) => one.code !== code) || undefined,
    { deadline: SEEN_MS, what: `no ${code}` },
  )
}

/** Applies a remedy that is a command named by doctor. */
export async function mendAsTold(node: LabNode, { code, fix }: Finding): Promise<void> {
  await node.sh(fix!)
  await gone(node, code)
}

/** Applies a remedy that is `doctor --fix`, with the code if it needs consent. */
export async function mendByDoctor(
  node: LabNode,
  { code, subject }: Finding,
  consent: boolean,
): Promise<void> {
  const fix = consent ? ['--fix', code] : ['--fix']
  const planned = await diagnose(node, ...fix, '--dry-run')
  expect(planned.repairs).toContainEqual(expect.objectContaining({ code, subject, done: false, error: null }))
  expect(planned.findings).toContainEqual(expect.objectContaining({ code, subject }))
  const { repairs, findings } = await diagnose(node, ...fix)
  expect(repairs).toContainEqual(expect.objectContaining({ code, subject, done: true, error: null }))
  expect(findings).not.toContainEqual(expect.objectContaining({ code }))
}
