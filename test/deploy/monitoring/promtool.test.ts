import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeAll, expect, it, vi } from 'vitest'

import { temporary } from '../../unit/temporary.ts'
import { DIRECTORY, expressionsOf, readDashboard } from './dashboard.ts'
import { bringPrometheus } from './prometheus.ts'

let promtool: string

vi.setConfig({ testTimeout: 60_000 })

beforeAll(async () => {
  promtool = join(await bringPrometheus(), 'promtool')
}, 300_000)

function run(...args: string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(promtool, args, {
    cwd: join(DIRECTORY, 'prometheus'),
    encoding: 'utf8',
  })
  return { status, said: `${stdout}${stderr}` }
}

it('the alert rules are valid', () => {
  const { status, said } = run('check', 'rules', 'rules.yaml')
  expect(status, said).toBe(0)
  expect(said).toMatch(/SUCCESS: 13 rules found/)
})

it('each alert fires when it must, and not before', () => {
  const { status, said } = run('test', 'rules', 'rules_test.yaml')
  expect(status, said).toBe(0)
})

it('every expression of the dashboard is one that Prometheus understands', async () => {
  const rules = expressionsOf(readDashboard()).map(({ expr }, index) => ({ record: `panel:${index}`, expr }))
  expect(rules.length).toBeGreaterThan(20)
  const path = join(temporary(), 'dashboard.yaml')
  await writeFile(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  const { status, said } = run('check', 'rules', path)
  expect(status, said).toBe(0)
})
