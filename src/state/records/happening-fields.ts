import * as z from 'zod/mini'

import { timeText } from '../../host/store/json-note.ts'
import type { HappeningName } from '../../model/history.ts'

/** A thousand years: dates that are computed from more than this may not exist. */
const MAX_S = 1000 * 365 * 86_400

const duration = z.number().check(z.nonnegative(), z.lte(MAX_S))
const hold = z.union([duration, z.literal('forever')])
const mode = z.enum(['map', 'session', 'multipathd'])
const count = z.number().check(z.nonnegative())
const text = z.string()

/**
 * The fields of each event, as far as they are shown or computed with. A newer version may have added others, and reasons
 * (`how`) that are not known here.
 */
const FIELDS: Readonly<Record<HappeningName, z.ZodMiniType>> = {
  'outage-began': z.object({ since: timeText, mode, hold, deadline: z.nullish(timeText) }),
  'hold-ended': z.object({
    since: timeText,
    how: text,
    seconds: duration,
    holder: z.optional(text),
    trouble: z.nullish(text),
  }),
  trouble: z.object({ kind: text, text }),
  'outage-ended': z.object({
    since: timeText,
    seconds: duration,
    io: z.enum(['waited', 'failed']),
    how: text,
    returnMs: z.nullable(count),
  }),
  outages: z.object({ count, failed: count, seconds: duration, longest: duration }),
  attached: z.object({
    mode: z.nullable(mode),
    device: z.nullable(text),
    mount: z.nullable(text),
    bytes: z.nullable(count),
    directory: z.nullable(text),
    tookOver: z.boolean(),
  }),
  reattached: z.object({}),
  detached: z.object({ forced: z.boolean() }),
  'hold-changed': z.object({ from: hold, to: hold }),
  'gave-up': z.object({}),
  expanded: z.object({ from: count, to: count }),
  repaired: z.object({ code: text, action: text, error: z.nullable(text) }),
  'clock-stepped': z.object({ seconds: z.number() }),
  'agent-started': z.object({ version: z.nullable(text) }),
  'agent-stopped': z.object({}),
}

/** Whether an event has the fields of its name. A damaged one would be shown as something that never happened. */
export function hasFieldsOf(name: HappeningName, event: object): boolean {
  return z.safeParse(FIELDS[name], event).success
}
