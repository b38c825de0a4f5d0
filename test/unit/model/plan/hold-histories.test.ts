import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { HoldPlan } from '../../../../src/model/plan/hold-plan.ts'
import type { HoldStep } from '../../../../src/model/plan/hold-steps.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'
import type { Planner } from './fake-hold-node.ts'
import { EVENTS, FakeHoldNode } from './fake-hold-node.ts'

const history = fc.array(
  fc.record({
    event: fc.constantFrom(...EVENTS),
    // Shorter than a look, a look, as long as a check, a hold, a back-off.
    passMs: fc.constantFrom(0, 50, 200, 1_000, 3_000, 6_000, 12_000, 25_000),
  }),
  { maxLength: 14 },
)
type History = typeof history extends fc.Arbitrary<infer T> ? T : never

function live(past: History, planner?: Planner): FakeHoldNode {
  const node = new FakeHoldNode(planner)
  try {
    node.pass(1_000)
    for (const { event, passMs } of past) {
      node.happen(event)
      node.pass(passMs)
    }
  } catch (error) {
    throw new Error([String(error), ...node.log.slice(-40)].join('\n'), { cause: error })
  }
  return node
}

/** Removes everything that prevents the volume from working. */
function heal(node: FakeHoldNode): void {
  const events = ['target-up', 'map-lun', 'io-works', 'owned-by-us', 'users-leave', 'attached-again'] as const
  for (const event of events) node.happen(event)
  node.pass(90_000)
}

describe('whatever happens to a held volume', () => {
  it('no rule of a hold is broken', () => {
    fc.assert(
      fc.property(history, (past) => void live(past)),
      { numRuns: 1_500 },
    )
  })

  it('its volume is usable again once nothing is in the way, but for a volume that another node took', () => {
    fc.assert(
      fc.property(history, (past) => {
        const node = live(past)
        heal(node)
        if (node.judge.givenUp === 'fenced') {
          expect(node.last).toMatchObject({ state: 'fenced', steps: [] })
          expect({ map: node.iscsi.map, isMounted: node.iscsi.isMounted }).toEqual({
            map: null,
            isMounted: false,
          })
        } else if (!node.isWell)
          throw new Error([JSON.stringify(node.last), ...node.log.slice(-40)].join('\n'))
      }),
      { numRuns: 300 },
    )
  })
})

describe('a volume whose detach was killed, and that another node has taken meanwhile', () => {
  it('is known to be lost once its target is back, and carries nothing', () => {
    fc.assert(
      fc.property(history, (past) => {
        const node = live(past)
        // Cleared and off the node, or misplaced: there is nothing to ask.
        fc.pre(node.judge.givenUp === null && node.iscsi.map !== null)
        const events = ['detach-killed', 'owned-by-other', 'target-up', 'map-lun', 'io-works'] as const
        for (const event of events) node.happen(event)
        node.pass(90_000)
        if (node.last?.state !== 'fenced' && node.last?.state !== 'misplaced')
          throw new Error([JSON.stringify(node.last), ...node.log.slice(-40)].join('\n'))
        expect(node.iscsi.hasActivePath).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

/** Changes the plan of a planner. */
const mutate =
  (change: (plan: HoldPlan) => HoldPlan): Planner['plan'] =>
  (facts, memory) =>
    change(planHold(facts, memory))

const steps = (change: (step: HoldStep) => HoldStep[]) =>
  mutate((plan) => ({ ...plan, steps: plan.steps.flatMap(change) }))

const without = (is: (step: HoldStep) => boolean) => steps((step) => (is(step) ? [] : [step]))

/** Mistakes that a planner could make, each of which breaks one rule. */
const MISTAKES: Readonly<Record<string, Planner['plan']>> = {
  'reinstates before it verifies': steps((step) =>
    step.kind === 'return' ? [{ ...step, steps: step.steps.toReversed() }] : [step],
  ),
  'does not verify a path that is back': steps((step) =>
    step.kind === 'return' ? [{ ...step, steps: step.steps.filter((one) => one !== 'verify') }] : [step],
  ),
  'takes a path that reconnected for the one that was proven': without((step) => step.kind === 'fail'),
  'lets I/O wait beyond its deadline': without((step) => step.kind === 'queue' && !step.on),
  'ends a hold before its deadline': (facts, memory) =>
    planHold({ ...facts, wanted: facts.wanted === 'forever' ? 5 : facts.wanted / 2 }, memory),
  'resumes after the deadline without a recovery': (facts, memory) => {
    const plan = planHold(facts, memory)
    if (!plan.steps.some(({ kind }) => kind === 'recover')) return plan
    return {
      ...plan,
      steps: [...plan.steps.filter(({ kind }) => kind !== 'recover'), { kind: 'record', note: null }],
    }
  },
  'counts a relapse as a new outage': (facts, memory) => planHold(facts, { ...memory, lastOutage: null }),
  'brings a path back to a misplaced volume': (facts, memory) => {
    if (facts.note?.kind !== 'misplaced') return planHold(facts, memory)
    return planHold({ ...facts, note: null }, memory)
  },
  'takes a fenced volume back': (facts, memory) => {
    if (facts.note?.kind !== 'fenced') return planHold(facts, memory)
    return planHold({ ...facts, note: { ...facts.note, kind: 'misplaced' } }, memory)
  },
  'leaves a map that must hold failing': without((step) => step.kind === 'queue' && step.on),
  'says that a volume is ready while it holds': mutate((plan) =>
    plan.state === 'holding' ? { ...plan, state: 'ready' } : plan,
  ),
  'tries a target that fails I/O again at once': (facts, memory) =>
    planHold(facts, { ...memory, ioFailures: new Map() }),
  'does not look after a volume whose detach was killed': (facts, memory) => {
    const plan = planHold(facts, memory)
    return facts.isReady ? plan : { ...plan, steps: [], checks: [] }
  },
  'never recovers': without((step) => step.kind === 'recover'),
  'does not look at a deadline': mutate((plan) => ({ ...plan, lookAtMs: Infinity })),
  'resumes where it cannot be asked who owns the volume': steps((step) =>
    step.kind === 'return' ? [{ ...step, steps: step.steps.filter((one) => one !== 'verify') }] : [step],
  ),
}

describe('the rules find a planner that', () => {
  it.each(Object.keys(MISTAKES))('%s', (mistake) => {
    const planner = { plan: MISTAKES[mistake]! }
    const found = fc.check(
      fc.property(history, (past) => {
        const node = live(past, planner)
        heal(node)
        if (node.judge.givenUp !== 'fenced' && !node.isWell) throw new Error('it does not come back')
      }),
      { numRuns: 1_000, endOnFailure: true },
    )
    expect(found.failed).toBe(true)
  })
})
