import type { Boot } from './analysis/boot.ts'
import { openBoot } from './analysis/boot.ts'
import type { LogEvent } from './input.ts'
import type { Source } from './merge.ts'
import type { Cause, SessionOutages } from './report.ts'

/** One host, with the boots that its log covers. */
interface HostLog {
  readonly host: string | null
  /** The log that shows it, or the name of the rotated set, if the lines do not name the host. */
  log: string | null
  readonly boots: Boot[]
  /** Number of earlier boots that are not kept. */
  dropped: number
  /** The highest time since boot in the current boot. */
  uptime: number
  /** Identifier of the current boot, if the log has it. */
  boot: string | null
  /** Whether the current boot has had an event. */
  hasEvents: boolean
}

/**
 * The kernel's lines are out of order by less than this. A time since boot that is lower still belongs to another boot.
 */
const MAX_DISORDER_SECONDS = 60
/** A hostile log could name any number of hosts, or start any number of boots. */
const MAX_HOSTS = 500
const MAX_BOOTS = 500
/** A boot marker of `journalctl` in the middle of a log. Other identifiers change only between files. */
const BOOT_MARKER = /^reboot \d+$|^[0-9a-f]{32}$/

/** Name under which all hosts beyond the limit are combined. */
const FURTHER_HOSTS: LogOrigin = { name: 'further hosts', log: 'further hosts' }

/** Distinguishes the hosts of logs without host names. */
type LogOrigin = Pick<Source, 'name' | 'log'>

/** The hosts that the logs come from, each with its boots and events. */
export interface Hosts {
  add(event: LogEvent, source: LogOrigin): void
  conclude(): { sessions: SessionOutages[]; causes: Cause[] }
}

export function openHosts(): Hosts {
  const hosts = new Map<string, HostLog>()

  function hostLogOf(host: string | null, source: LogOrigin): HostLog {
    const key = host === null ? `log ${source.log}` : `host ${host}`
    let found = hosts.get(key)
    if (!found && hosts.size >= MAX_HOSTS && source !== FURTHER_HOSTS) return hostLogOf(null, FURTHER_HOSTS)
    if (!found) {
      const log = host === null ? source.name : null
      found = { host, log, boots: [openBoot(false)], dropped: 0, uptime: 0, boot: null, hasEvents: false }
      hosts.set(key, found)
    }
    if (found.log !== null && found.log !== source.name) found.log = source.log
    return found
  }

  function startBoot(hostLog: HostLog, isComplete: boolean): void {
    // A boot's marker and its first line both start it: a boot without events is replaced.
    if (!hostLog.hasEvents) hostLog.boots.pop()
    else hostLog.boots.at(-1)!.endByReboot()
    if (hostLog.boots.length >= MAX_BOOTS) {
      hostLog.boots.shift()
      hostLog.dropped++
    }
    hostLog.boots.push(openBoot(isComplete))
    hostLog.uptime = 0
    hostLog.hasEvents = false
  }

  return {
    add({ host, boot, event, now }, source) {
      const hostLog = hostLogOf(host, source)
      if (boot !== null && boot !== hostLog.boot) {
        if (hostLog.boot !== null || (hostLog.hasEvents && BOOT_MARKER.test(boot))) startBoot(hostLog, false)
        hostLog.boot = boot
      }
      if (event.kind === 'boot' || (now.uptime ?? hostLog.uptime) < hostLog.uptime - MAX_DISORDER_SECONDS)
        startBoot(hostLog, event.kind === 'boot')
      hostLog.uptime = Math.max(hostLog.uptime, now.uptime ?? 0)
      if (event.kind === 'boot') return
      hostLog.hasEvents = true
      hostLog.boots.at(-1)!.add(event, now)
    },
    conclude() {
      const all = [...hosts.values()].flatMap(({ host, log, boots, dropped }) =>
        boots.map((boot, number) => boot.conclude({ host, log, boot: number + dropped })),
      )
      return {
        sessions: all.flatMap(({ sessions }) => sessions),
        causes: all.flatMap(({ causes }) => causes),
      }
    },
  }
}
