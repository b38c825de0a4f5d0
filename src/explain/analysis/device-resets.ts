import type { EventOf } from '../message/event.ts'
import type { LogMoment } from './moment.ts'
import { isAfter } from './moment.ts'

/** A disk is attached this soon after its first answer. */
const ATTACH_SECONDS = 60
/** A hostile log could reset any number of devices. */
const MAX_PENDING = 100

/**
 * Resets of devices. The first answer of each new disk is that it was powered on or reset, so each login logs it: such a
 * reset is not a problem.
 */
export interface DeviceResets {
  add(event: EventOf<'cause'>, now: LogMoment): void
  /** A disk was attached at an address. */
  attached(address: string, now: LogMoment): void
  /** No more events follow. */
  end(): void
}

/** @param note called with each reset of a disk that was in use */
export function openDeviceResets(note: (event: EventOf<'cause'>, now: LogMoment) => void): DeviceResets {
  let pending: readonly { event: EventOf<'cause'>; now: LogMoment }[] = []

  function noteWhile(isOver: (at: LogMoment, index: number) => boolean): void {
    const over = pending.filter(({ now }, index) => isOver(now, index))
    pending = pending.filter((reset) => !over.includes(reset))
    for (const { event, now } of over) note(event, now)
  }

  return {
    add(event, now) {
      pending = [...pending, { event, now }]
      noteWhile((at, index) => isAfter(at, now, ATTACH_SECONDS) || index < pending.length - MAX_PENDING)
    },
    attached(address, now) {
      pending = pending.filter(
        ({ event, now: at }) => event.address !== address || isAfter(at, now, ATTACH_SECONDS),
      )
    },
    end: () => noteWhile(() => true),
  }
}
