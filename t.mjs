import { Lab } from './lab/index.ts'
const t0 = performance.now()
const lab = await Lab.open()
try {
  const node = await lab.boot({ debian: process.argv[2] ?? 'bookworm', memory: 640, systemd: true })
  console.log('up', Math.round(performance.now() - t0))
  console.log(await node.sh('systemctl is-system-running || :; systemctl --failed --no-pager; systemctl list-jobs; systemctl list-units --no-pager | head -60'))
  console.log(node.console.slice(-3000))
} catch (e) { console.error(String(e).slice(0, 6000)) } finally { await lab.close() }
