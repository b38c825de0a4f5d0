import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const DIRECTORY = fileURLToPath(new URL('../../../deploy/', import.meta.url))

export interface Dashboard {
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly type: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
  }[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}

export const readDashboard = () =>
  JSON.parse(readFileSync(`${DIRECTORY}grafana/lunkeeper.json`, 'utf8')) as Dashboard

/** An expression with Grafana's variables filled in, as it is sent to Prometheus. */
export const filledIn = (expr: string) => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.*')

export const expressionsOf = ({ panels }: Dashboard) =>
  panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr: filledIn(expr) })))
