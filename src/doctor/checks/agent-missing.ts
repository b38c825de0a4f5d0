import { isHoldMap } from '../../host/read/maps.ts'
import { isHolding } from '../../state/records/hold-note.ts'
import type { NodeCheck } from '../check.ts'

export const agentMissing: NodeCheck = {
  name: 'the agent',
  node({ host, agent, records, snapshot }) {
    const volumes = records.filter(({ mode }) => mode === 'map').map(({ name }) => name)
    const maps = snapshot.maps.filter(isHoldMap).map(({ name }) => name)
    if (agent || (volumes.length === 0 && maps.length === 0)) return []
    const waiting = volumes.filter((name) => isHolding(host, name))
    return [
      {
        code: 'AGENT_MISSING',
        severity: waiting.length > 0 ? 'critical' : 'warning',
        subject: 'agent',
        message: `the agent is not running, but hold maps depend on it (${Math.max(volumes.length, maps.length)}): after an outage no path is reinstated and no hold ends`,
        evidence: { volumes, maps, waiting },
        fix: 'systemctl start lunkeeper',
      },
    ]
  },
}
