import { readFileSync } from 'node:fs'

import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'

import { OPENAPI } from '../../../src/http/api/openapi.ts'
import { openMetrics } from '../../../src/http/metrics/metrics.ts'
import { DIRECTORY, expressionsOf, readDashboard } from '../../deploy/monitoring/dashboard.ts'
import { fakeNode } from '../kubernetes/node.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

const read = (file: string): unknown => parse(readFileSync(`${DIRECTORY}prometheus/${file}`, 'utf8'))
const { groups } = read('rules.yaml') as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const dashboard = readDashboard()

/** Labels that Prometheus adds, or that its functions need. */
const ADDED = ['job', 'instance', 'le']
/** A metric of Prometheus itself. */
const OTHERS = ['up']

/** Metric -> its labels; a histogram has its three series. */
function described(): Map<string, readonly string[]> {
  const { host } = fakeNode()
  const metrics = openMetrics(host, '1.2.3')
  onTestFinished(() => metrics[Symbol.dispose]())
  return new Map(
    metrics.described.flatMap(({ name, kind, labels }) =>
      (kind === 'histogram' ? ['_bucket', '_count', '_sum'] : ['']).map((end) => [`${name}${end}`, labels]),
    ),
  )
}

const metricsIn = (expr: string) =>
  [...expr.matchAll(/\b(?:lunkeeper_|process_|up\b)\w*/g)].map(([name]) => name)

/** Labels by which series are selected or grouped. */
const labelsIn = (expr: string) => [
  ...[...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside]) =>
    [...inside!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, name]) => name!),
  ),
  ...[...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, inside]) =>
    inside!.split(/\s*,\s*/),
  ),
]

const expressions = [
  ...rules.map(({ alert, expr }) => ({ title: alert, expr })),
  ...expressionsOf(dashboard),
  ...dashboard.templating.list.flatMap(({ name, definition }) =>
    definition === undefined
      ? []
      : [{ title: `variable ${name}`, expr: definition.replaceAll(/\$\w+/g, '.*') }],
  ),
]

describe('what is drawn and alerted on exists', () => {
  it.each(expressions)('$title: $expr', ({ expr }) => {
    const all = described()
    const names = metricsIn(expr)
    expect(names.length).toBeGreaterThan(0)
    for (const name of names) expect([...all.keys(), ...OTHERS]).toContain(name)
    const labels = names.flatMap((name) => all.get(name) ?? [])
    for (const label of labelsIn(expr)) expect([...labels, ...ADDED]).toContain(label)
  })

  it('states and guards are those that there are', () => {
    const { state } = OPENAPI.components.schemas.Volume.properties as unknown as {
      state: { enum: readonly string[] }
    }
    for (const { expr } of expressions)
      for (const [, values] of expr.matchAll(/\bstate=~?"([a-z|]+)"/g))
        for (const value of values!.split('|')) expect(state.enum).toContain(value)
  })

  it('texts name labels that the alert has', () => {
    const all = described()
    for (const { alert, expr, annotations, labels } of rules) {
      const grouped = /^(?:sum|max|min) by \(([^)]*)\)/.exec(expr)?.[1]?.split(/\s*,\s*/)
      const own = grouped ?? metricsIn(expr).flatMap((name) => all.get(name) ?? [])
      for (const text of Object.values(annotations))
        for (const [, label] of text.matchAll(/\$labels\.(\w+)/g))
          expect([...own, ...ADDED], `${alert}: ${text}`).toContain(label)
      expect(['critical', 'warning', 'info']).toContain(labels.severity)
      expect(annotations['summary']).toBeTruthy()
    }
  })

  it('legends name labels that the series have', () => {
    for (const { title, targets } of dashboard.panels)
      for (const { expr, legendFormat } of targets) {
        const all = described()
        const labels = [
          ...labelsIn(expr),
          ...metricsIn(expr).flatMap((name) => all.get(name) ?? []),
          ...ADDED,
        ]
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect(labels, title).toContain(label)
      }
  })

  it('each metric is drawn or alerted on', () => {
    const used = new Set(expressions.flatMap(({ expr }) => metricsIn(expr)))
    const bases = new Set([...used].map((name) => name.replace(/_(?:bucket|count|sum)$/, '')))
    const missing = [...described().keys()].filter(
      (name) => !used.has(name) && !bases.has(name.replace(/_(?:bucket|count|sum)$/, '')),
    )
    expect(missing).toEqual([])
  })
})

it('each alert has a test', () => {
  const { tests } = read('rules_test.yaml') as {
    tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
  }
  const tested = tests
    .flatMap(({ alert_rule_test: all }) => all)
    .filter(({ exp_alerts: alerts }) => alerts.length > 0)
    .map(({ alertname }) => alertname)
  expect(new Set(tested)).toEqual(new Set(rules.map(({ alert }) => alert)))
})

it('panels do not cover each other', () => {
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
})
