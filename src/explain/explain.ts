import { openBlocks } from './blocks.ts'
import type { Boot } from './boot.ts'
import { openBoot } from './boot.ts'
import { openClock } from './clock.ts'
import { iscsidMessage } from './iscsid-message.ts'
import { kernelMessage } from './kernel-message.ts'
import { readLine, stampOf } from './line.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { Moment } from './moment.ts'
import type { Explanation } from './report.ts'

export interface ExplainOptions {
  /** When the log is read; a year is made of it where the log has none. */
  readonly now: Date
  /** When the machine of the log started, if that is known: gives dates to times since boot. */
  readonly booted?: Date
}

/** A host of the log, with its boots. */
interface Machine {
  readonly host: string | null
  readonly boots: Boot[]
  /** The highest time since boot, of the boot that goes on. */
  uptime: number
}

/** dmesg -H: the time since the line before, which most often is one that is not looked at. */
const SINCE_LAST = /^\[ +\+\d+\.\d+\] /

/** printk's lines come out of order by less; a smaller time since boot is another boot's. */
const OUT_OF_ORDER = 60

/**
 * Reads a log once, as it comes, and tells what happened to its iSCSI sessions. Memory grows with the outages, not
 * with the log. Never throws for what a log holds, but for one whose lines have no time.
 * @throws LOG_UNREADABLE
 */
export async function explain(log: AsyncIterable<Buffer>, options: ExplainOptions): Promise<Explanation> {
  const clock = openClock(options.now, options.booted)
  const machines = new Map<string | null, Machine>()
  let first: Moment | null = null
  let last: Moment | null = null
  let timeless = false

  const blocks = openBlocks({
    sample(text) {
      const stamp = stampOf(text)
      if (!stamp) return false
      last = clock.read(stamp.time, stamp.uptime)
      first ??= last
      return true
    },
    line(text) {
      const line = readLine(text)
      if (SINCE_LAST.test(text)) timeless = true
      if (!line || (line.time === null && line.uptime === null)) return
      const event = line.source === 'kernel' ? kernelMessage(line.message) : iscsidMessage(line.message)
      if (!event) return
      const machine = machineOf(line.host)
      if (event.kind === 'boot' || (line.uptime ?? machine.uptime) < machine.uptime - OUT_OF_ORDER)
        reboot(machine, event.kind === 'boot')
      machine.uptime = Math.max(machine.uptime, line.uptime ?? 0)
      machine.boots.at(-1)!.tell(event, clock.read(line.time, line.uptime))
    },
  })

  function machineOf(host: string | null): Machine {
    let machine = machines.get(host)
    if (!machine) {
      machine = { host, boots: [openBoot(false)], uptime: 0 }
      machines.set(host, machine)
    }
    return machine
  }

  for await (const bytes of log) blocks.feed(bytes)
  const lines = blocks.end()
  if (timeless && first === null)
    throw new LunkeeperError(
      'LOG_UNREADABLE',
      'this is what dmesg -H prints: its lines do not tell their time',
      {
        hint: 'Give it dmesg, dmesg -T or journalctl -k instead.',
      },
    )
  return {
    sessions: [...machines.values()].flatMap(({ host, boots }) =>
      boots.flatMap((boot, number) => boot.conclude(host, number, clock)),
    ),
    lines,
    span: {
      from: clock.iso(first),
      to: clock.iso(last),
      fromUptime: uptimeOf(first),
      toUptime: uptimeOf(last),
    },
  }
}

function reboot(machine: Machine, whole: boolean): void {
  machine.boots.at(-1)!.reboot()
  machine.boots.push(openBoot(whole))
  machine.uptime = 0
}

function uptimeOf(moment: Moment | null): number | null {
  return moment?.uptime ?? null
}
