import { describe, expect, it } from 'vitest'

import type { ClaimFacts, ClaimStep, Witnesses } from '../../../../src/model/plan/owner.ts'
import {
  judgeHeld,
  judgeUnclaimed,
  nextClaimStep,
  reservationVerdict,
} from '../../../../src/model/plan/owner.ts'
import type { ReservationKey, Reservations } from '../../../../src/model/reservation.ts'
import { makeKey, nodeOfKey, parseKey } from '../../../../src/model/reservation.ts'

const A = makeKey('aaaaaaaa', '0001')
const OLD_A = makeKey('aaaaaaaa', '0000')
const B = makeKey('bbbbbbbb', '0001')
const FOREIGN = parseKey('0xabc0001'.replace('0x', '').padStart(16, '0'))
const told = (keys: readonly ReservationKey[], holder: ReservationKey | null): Reservations => ({
  keys,
  holder: holder && { key: holder, type: 5 },
})

describe('reservationVerdict', () => {
  const fence = { key: A, persists: true }
  it.each([
    ['this node has the reservation', told([A, A], A), { kind: 'held', beside: null }],
    ['another node has registered beside it', told([A, B], A), { kind: 'held', beside: B }],
    ['another node has it', told([B], B), { kind: 'lost', holder: B }],
    ['another node has it, and this node is registered', told([A, B], B), { kind: 'lost', holder: B }],
    ['other software has it', told([FOREIGN], FOREIGN), { kind: 'lost', holder: FOREIGN }],
    ['another node took the key away and is about to reserve', told([B], null), { kind: 'lost', holder: B }],
    ['no node has anything', told([], null), { kind: 'unclaimed' }],
    ['this node is registered, and no node has reserved', told([A], null), { kind: 'unclaimed' }],
    ['the target does not tell', null, { kind: 'unknown' }],
  ])('%s', (_, now, expected) => expect(reservationVerdict(now, fence)).toEqual(expected))
})

const EVERY = {
  persists: [true, false],
  kubernetes: ['mine', 'gone', 'unreachable', 'none'],
  mark: ['same', 'changed', 'unreadable', 'none'],
} as const
const combinations = EVERY.persists.flatMap((persists) =>
  EVERY.kubernetes.flatMap((kubernetes) =>
    EVERY.mark.map((mark): Witnesses => ({ persists, kubernetes, mark })),
  ),
)

describe('judgeHeld', () => {
  it.each(combinations)('$kubernetes $mark, with another node beside it or alone', (witnesses) => {
    const { kubernetes, mark } = witnesses
    const contested = judgeHeld(witnesses, true).verdict
    if (kubernetes === 'gone' || mark === 'changed') expect(contested).toBe('lost')
    else if (kubernetes === 'unreachable' || mark === 'unreadable') expect(contested).toBe('wait')
    else expect(contested).toBe(kubernetes === 'mine' || mark === 'same' ? 'own' : 'wait')
    expect(judgeHeld(witnesses, false).verdict).toBe(mark === 'changed' ? 'lost' : 'own')
  })
})

describe('judgeUnclaimed', () => {
  it.each(combinations)('$kubernetes $mark persists: $persists', (witnesses) => {
    const { verdict } = judgeUnclaimed(witnesses)
    const { kubernetes, mark, persists } = witnesses
    if (kubernetes === 'gone' || mark === 'changed') expect(verdict).toBe('lost')
    else if (kubernetes === 'unreachable' || mark === 'unreadable') expect(verdict).toBe('wait')
    else if (kubernetes === 'mine' || mark === 'same') expect(verdict).toBe('own')
    else expect(verdict).toBe(persists ? 'wait' : 'own')
  })
})

/** A logical unit as in SPC-4 section 5.13, by initiator name, as LIO counts. */
class Unit {
  readonly registered = new Map<string, ReservationKey>()
  holder: ReservationKey | null = null

  told = (): Reservations => told([...this.registered.values()], this.holder)
  mayWrite = (node: string): boolean => this.holder === null || this.registered.has(node)
  register = (node: string, key: ReservationKey): void => void this.registered.set(node, key)
  unregister(node: string): void {
    const key = this.registered.get(node)
    this.registered.delete(node)
    if (key !== undefined && key === this.holder && ![...this.registered.values()].includes(key))
      this.holder = null
  }
  reserve(node: string): boolean {
    const key = this.registered.get(node)
    if (key === undefined || (this.holder !== null && this.holder !== key)) return false
    this.holder = key
    return true
  }
  preempt(node: string, other: ReservationKey): boolean {
    const key = this.registered.get(node)
    if (key === undefined) return false
    for (const [name, known] of this.registered)
      if (known === other && name !== node) this.registered.delete(name)
    if (this.holder === other) this.holder = key
    return true
  }
}

/** A node that claims the volume, one command at a time. */
class Claimer {
  readonly name: string
  readonly key: ReservationKey
  readonly takesOver: boolean
  ended: ClaimStep['kind'] | null = null
  #facts: ClaimFacts
  readonly #unit: Unit
  /** The next command follows the last one without a decision in between (claimFree in src/host/disk/reservations.ts). */
  #reservesNext = false

  constructor(unit: Unit, name: string, key: ReservationKey, takesOver: boolean) {
    this.#unit = unit
    this.name = name
    this.key = key
    this.takesOver = takesOver
    const isOwn = (other: ReservationKey) => nodeOfKey(other) === nodeOfKey(key)
    this.#facts = {
      told: null,
      isUnsupported: false,
      key,
      isRegistered: false,
      isOwn,
      takesOver,
      hasReserved: false,
      conflicts: 0,
    }
  }

  step(plan: typeof nextClaimStep = nextClaimStep): void {
    const unit = this.#unit
    if (this.#reservesNext) {
      this.#reservesNext = false
      this.#facts = { ...this.#facts, hasReserved: unit.reserve(this.name) }
      return
    }
    const step = plan(this.#facts)
    const refused = (done: boolean) => this.#facts.conflicts + (done ? 0 : 1)
    switch (step.kind) {
      case 'read':
        this.#facts = { ...this.#facts, told: unit.told() }
        return
      case 'register':
        this.#reservesNext = this.#facts.told!.holder === null && this.#facts.told!.keys.length === 0
        unit.register(this.name, this.key)
        this.#facts = {
          ...this.#facts,
          told: null,
          conflicts: refused(!this.#facts.isRegistered),
          isRegistered: true,
        }
        return
      case 'reserve': {
        const hasReserved = unit.reserve(this.name)
        this.#facts = { ...this.#facts, told: null, hasReserved, conflicts: refused(hasReserved) }
        return
      }
      case 'preempt': {
        const hasReserved = unit.preempt(this.name, step.key) && unit.holder === this.key
        this.#facts = { ...this.#facts, told: null, hasReserved, conflicts: refused(hasReserved) }
        return
      }
      case 'done':
      case 'unguarded':
      case 'elsewhere':
      case 'foreign':
      case 'beside':
      case 'contended':
        if (step.kind !== 'done' && this.#facts.isRegistered) unit.unregister(this.name)
        this.ended = step.kind
    }
  }
}

/** A generator of numbers below 1 that repeats for a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Plays the claims of several nodes in a random order. @returns a violation as text; null if there is none */
function play(seed: number, plan = nextClaimStep, takesOver = [false, false, false]): string | null {
  const next = random(seed)
  const unit = new Unit()
  const claimers = takesOver.map(
    (takes, index) => new Claimer(unit, `n${index}`, makeKey(`0000000${index}`, '0001'), takes),
  )
  for (let count = 0; claimers.some(({ ended }) => ended === null) && count < 10_000; count++) {
    const open = claimers.filter(({ ended }) => ended === null)
    const one = open[Math.floor(next() * open.length)]!
    one.step(plan)
    // A node whose volume is taken over right after it has read back also continues: the target refuses its writes
    // from then on.
    const writers = claimers.filter(({ ended, name }) => ended === 'done' && unit.mayWrite(name))
    if (writers.length > 1) return `${writers.map(({ name }) => name).join(' and ')} may write`
    const isTaken = unit.holder !== one.key
    if (one.ended === 'done' && isTaken && (unit.mayWrite(one.name) || !takesOver.some(Boolean)))
      return `${one.name} continues, and has no reservation`
  }
  if (claimers.some(({ ended }) => ended === null)) return 'no end'
  if (!takesOver.some(Boolean) && claimers.filter(({ ended }) => ended === 'done').length > 1)
    return 'two owners'
  return null
}

describe('nextClaimStep', () => {
  it('lets at most one of three nodes have the volume, in 2,000 random orders', () => {
    for (let seed = 0; seed < 2_000; seed++) expect(play(seed), `seed ${seed}`).toBeNull()
  })

  it('leaves at most one node that may write where two of three take it over, in 2,000 random orders', () => {
    for (let seed = 0; seed < 2_000; seed++)
      expect(play(seed, nextClaimStep, [false, true, true]), `seed ${seed}`).toBeNull()
  })

  it('would be found out if it continued without reading back', () => {
    const hasty = (facts: ClaimFacts): ClaimStep =>
      facts.isRegistered && facts.told === null ? { kind: 'done' } : nextClaimStep(facts)
    const violations = Array.from({ length: 200 }, (_, seed) => play(seed, hasty))
    expect(violations.some((violation) => violation !== null)).toBe(true)
  })

  const facts = (change: Partial<ClaimFacts>): ClaimFacts => ({
    told: told([], null),
    isUnsupported: false,
    key: A,
    isRegistered: false,
    isOwn: (key) => nodeOfKey(key) === nodeOfKey(A),
    takesOver: false,
    hasReserved: false,
    conflicts: 0,
    ...change,
  })
  it.each([
    ['reads before anything else', { told: null }, { kind: 'read' }],
    ['claims nothing where the target has no reservations', { isUnsupported: true }, { kind: 'unguarded' }],
    ['registers', {}, { kind: 'register' }],
    ['reserves once it is registered', { isRegistered: true, told: told([A], null) }, { kind: 'reserve' }],
    ['ends where its key has the reservation', { isRegistered: true, told: told([A], A) }, { kind: 'done' }],
    ['registers a new session where its key has it already', { told: told([A], A) }, { kind: 'register' }],
    ['leaves another node alone', { told: told([B], B) }, { kind: 'elsewhere', key: B }],
    [
      'takes over when told to, registered first',
      { told: told([B], B), takesOver: true },
      { kind: 'register' },
    ],
    [
      'takes over when told to',
      { isRegistered: true, told: told([A, B], B), takesOver: true },
      { kind: 'preempt', key: B },
    ],
    [
      'takes its own former key away without being told to',
      { isRegistered: true, told: told([A, OLD_A], OLD_A) },
      { kind: 'preempt', key: OLD_A },
    ],
    [
      'respects keys of other software, whatever it is told',
      { told: told([FOREIGN], null), takesOver: true },
      { kind: 'foreign', key: FOREIGN },
    ],
    [
      'removes what a node that it took the volume from has registered',
      { isRegistered: true, told: told([A, B], A), takesOver: true },
      { kind: 'preempt', key: B },
    ],
    [
      'removes what another node has registered beside the reservation that it has just made',
      { isRegistered: true, told: told([A, B], A), hasReserved: true },
      { kind: 'preempt', key: B },
    ],
    [
      'leaves a node alone that is registered beside a reservation from before, which may be stale',
      { told: told([A, B], A) },
      { kind: 'beside', key: B },
    ],
    [
      'leaves it alone where that reservation has a former key of its own',
      { told: told([OLD_A, B], OLD_A) },
      { kind: 'beside', key: B },
    ],
    [
      'gives up where others claim it over and over',
      { isRegistered: true, told: told([A], null), conflicts: 8 },
      { kind: 'contended' },
    ],
  ] satisfies [string, Partial<ClaimFacts>, ClaimStep][])('%s', (_, change, expected) =>
    expect(nextClaimStep(facts(change))).toEqual(expected),
  )
})
