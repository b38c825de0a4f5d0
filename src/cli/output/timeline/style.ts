/** The style of the page, for light and dark colour schemes. It loads nothing. */
export const STYLE = `
:root{color-scheme:light dark;--page:#f9f9f7;--card:#fcfcfb;--ink:#0b0b0b;--soft:#52514e;--faint:#898781;--line:#e1e0d9;--base:#c3c2b7;
--waiting:#2a78d6;--failing:#d03b3b;--back:#0b8a0b;--cause:#4a3aa7;--good:#006300;--bad:#a52626}
@media (prefers-color-scheme:dark){:root{--page:#0d0d0d;--card:#1a1a19;--ink:#fff;--soft:#c3c2b7;--faint:#898781;--line:#2c2c2a;--base:#383835;
--waiting:#3987e5;--failing:#e66767;--back:#0ca30c;--cause:#9085e9;--good:#0ca30c;--bad:#e66767}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1160px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px}
h2{font-size:17px;margin:36px 0 10px}
p{margin:6px 0;color:var(--soft)}
.lead{font-size:16px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 18px;margin:12px 0}
.card h3{font-size:14px;margin:0 0 8px;color:var(--soft);font-weight:600}
.scroll{overflow-x:auto}
svg{display:block;width:100%;min-width:760px;height:auto}
svg text{font-size:12.5px;fill:var(--ink)}
svg .host{font-weight:650}
svg .detail{font-size:11px;fill:var(--soft)}
svg .tick{font-size:11px;fill:var(--soft);text-anchor:middle;font-variant-numeric:tabular-nums}
svg .tick.last{text-anchor:end}
.grid{stroke:var(--line)}
.base{stroke:var(--base)}
.waiting{fill:var(--waiting)}
.failing{fill:var(--failing)}
.cause{fill:var(--cause)}
.open{fill-opacity:.5}
.lost{stroke:var(--ink);stroke-width:2;fill:none}
.expired{fill:var(--ink)}
.broken{stroke:var(--ink);stroke-width:2.5;fill:none}
.back{fill:var(--back);stroke:var(--card);stroke-width:2}
.cause-sign{fill:var(--cause);stroke:var(--card);stroke-width:2}
.legend{display:flex;flex-wrap:wrap;gap:6px 22px;padding:0;margin:14px 0 0;list-style:none;color:var(--soft);font-size:13px}
.legend li{display:flex;align-items:center;gap:7px}
.legend svg{width:22px;min-width:0;height:22px;flex:none}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:600;color:var(--soft);font-size:12.5px}
th,td{padding:7px 14px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
td.key{white-space:nowrap;overflow-wrap:normal}
td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0}
.good{color:var(--good)}
.bad{color:var(--bad)}
footer{margin-top:40px;color:var(--faint);font-size:13px}
`
