/**
 * The style of the whole report. Colours have a contrast of at least 4.5 in both schemes, and no colour is the only
 * sign of anything.
 */
export const STYLE = `
:root { color-scheme: light dark; --page: #fff; --card: #f6f8fa; --ink: #1f2328; --soft: #57606a; --line: #d8dee4;
  --dot: #0969da; --wait: #bf8700; --bad: #cf222e; --good: #1a7f37; --outage: #8c959f26;
  --well-fill: #dafbe1; --waits-fill: #fff1b8; --bad-fill: #ffd8d3 }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9aa4af;
  --line: #30363d; --dot: #58a6ff; --wait: #d29922; --bad: #ff7b72; --good: #56d364; --outage: #8c959f2b;
  --well-fill: #12391f; --waits-fill: #4a3800; --bad-fill: #5c1a1b } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif }
main { max-width: 1128px; margin: 0 auto; padding: 40px 24px 64px }
h1 { font-size: 32px; line-height: 1.2; letter-spacing: -0.01em; margin: 0 0 12px; text-wrap: balance }
h2 { font-size: 19px; margin: 40px 0 12px }
p { margin: 0 0 12px; max-width: 76ch }
.soft { color: var(--soft) }
.note { border-left: 4px solid var(--wait); padding: 2px 0 2px 14px; margin: 16px 0 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 16px; margin: 24px 0 }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 20px; display: flex; flex-direction: column }
.card h2 { margin: 0 0 8px; font-size: 16px }
.card dl { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 0 }
.card div { display: flex; flex-direction: column-reverse }
.fate { margin: 0 0 auto; padding-bottom: 12px }
dt { color: var(--soft); font-size: 14px }
dd { margin: 0; font-size: 30px; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums }
.good { color: var(--good) } .fail { color: var(--bad) }
svg { display: block; width: 100%; height: auto; margin: 8px 0; font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif }
svg.narrow { display: none }
svg text { fill: var(--ink) }
svg .label { fill: var(--soft); font-variant-numeric: tabular-nums }
svg .side { font-size: 16px; font-weight: 650 }
svg .event { font-weight: 600 }
svg .turn { font-size: 14px; font-weight: 650; stroke: var(--page); stroke-width: 3px; paint-order: stroke; stroke-linejoin: round }
svg .turn.good { fill: var(--good) } svg .turn.fail { fill: var(--bad) }
.rule { stroke: var(--line); fill: none }
.outage { fill: var(--outage) }
.edge { stroke: var(--soft); stroke-dasharray: 3 4; fill: none }
.dots { stroke: var(--dot); stroke-width: 3.4; stroke-linecap: round; fill: none }
.crosses { stroke: var(--bad); stroke-width: 1.4; fill: none }
.wait { fill: var(--wait); fill-opacity: .22; stroke: var(--wait); stroke-width: 1.4 }
.wait.refused { fill: var(--bad); stroke: var(--bad) }
.key { display: flex; flex-wrap: wrap; gap: 4px 24px; list-style: none; padding: 0; margin: 12px 0; font-size: 14px; color: var(--soft) }
.key span { display: inline-block; width: 22px; height: 14px; border-radius: 3px; margin-right: 8px; vertical-align: -2px }
.key .well { background: var(--well-fill) } .key .waits { background: var(--waits-fill) } .key .bad { background: var(--bad-fill) }
.well { fill: var(--well-fill) } .waits { fill: var(--waits-fill) } .bad { fill: var(--bad-fill) }
table { border-collapse: collapse; width: 100%; max-width: 820px; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 7px 16px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600 } tbody th { color: var(--soft); font-weight: 400 }
.log { max-width: none } .log td { padding: 4px 16px 4px 0 } .log td:first-child { text-align: right; white-space: nowrap }
.log td:nth-child(2) { color: var(--soft); white-space: nowrap } .log code { overflow-wrap: anywhere }
pre, code { font: 13.5px/1.5 ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; overflow-x: auto; margin: 0; white-space: pre-wrap }
@media (max-width: 700px) { main { padding: 24px 16px 48px } h1 { font-size: 26px } svg.wide { display: none } svg.narrow { display: block }
  .card dl { gap: 8px 24px } dd { font-size: 24px } th, td { padding-right: 10px } table { font-size: 15px }
  .log tr { display: block; padding: 6px 0; border-bottom: 1px solid var(--line) } .log td { display: inline; border: 0; padding-right: 8px }
  .log td:last-child { display: block } }
`
