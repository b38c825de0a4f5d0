import type { Told } from './input.ts'
import type { Cause, SessionStory } from './report.ts'
import type { Boot } from './story/boot.ts'
import { openBoot } from './story/boot.ts'

/** A host with its boots. */
interface Machine {
  readonly host: string | null
  readonly boots: Boot[]
  /** Number of earlier boots that are not kept. */
  dropped: number
  /** The highest time since boot in the current boot. */
  uptime: number
  /** Identifier of the boot, if the log has it. */
  boot: string | null
  /** Whether the current boot has had an event. */
  used: boolean
}

/** printk's lines are out of order by less than this; an even smaller time since boot is another boot's. */
const OUT_OF_ORDER = 60
/** A hostile log could name any number of hosts, or start any number of boots. */
const MOST_HOSTS = 500
const MOST_BOOTS = 500
/** A marker of `journalctl` in the middle of a log; another identifier may only come from another file. */
const MARKER = /^reboot \d+$|^[0-9a-f]{32}$/

/** Name for hosts beyond that limit. */
const FURTHER = 'further hosts'

/** The hosts that the logs are from, each with its events. */
export interface Machines {
  /** @param log distinguishes the hosts of logs without host names */
  tell(told: Told, log: string): void
  conclude(): { sessions: SessionStory[]; causes: Cause[] }
}

export function openMachines(): Machines {
  const machines = new Map<string, Machine>()

  function machineOf(host: string | null, log: string): Machine {
    const key = host === null ? `log ${log}` : `host ${host}`
    let machine = machines.get(key)
    if (!machine && machines.size >= MOST_HOSTS && log !== FURTHER) return machineOf(null, FURTHER)
    if (!machine) {
      machine = { host, boots: [openBoot(false)], dropped: 0, uptime: 0, boot: null, used: false }
      machines.set(key, machine)
    }
    return machine
  }

  function reboot(machine: Machine, whole: boolean): void {
    // The marker of a boot, and its first line right after.
    if (!machine.used) machine.boots.pop()
    else machine.boots.at(-1)!.reboot()
    if (machine.boots.length >= MOST_BOOTS) {
      machine.boots.shift()
      machine.dropped++
    }
    machine.boots.push(openBoot(whole))
    machine.uptime = 0
    machine.used = false
  }

  return {
    tell({ host, boot, event, now }, log) {
      const machine = machineOf(host, log)
      if (boot !== null && boot !== machine.boot) {
        if (machine.boot !== null || (machine.used && MARKER.test(boot))) reboot(machine, false)
        machine.boot = boot
      }
      if (event.kind === 'boot' || (now.uptime ?? machine.uptime) < machine.uptime - OUT_OF_ORDER)
        reboot(machine, event.kind === 'boot')
      machine.uptime = Math.max(machine.uptime, now.uptime ?? 0)
      if (event.kind === 'boot') return
      machine.used = true
      machine.boots.at(-1)!.tell(event, now)
    },
    conclude() {
      const all = [...machines.values()].flatMap(({ host, boots, dropped }) =>
        boots.map((boot, number) => boot.conclude(host, number + dropped)),
      )
      return {
        sessions: all.flatMap(({ sessions }) => sessions),
        causes: all.flatMap(({ causes }) => causes),
      }
    },
  }
}
