import { describe, expect, it } from 'vitest'

import { Windows } from '../../histories/windows.ts'

const LONG_AFTER = 100_000

const since = (at: number | null) => () => at

describe('a window in which bytes may go astray', () => {
  it('covers this stranger and this writer, and no others', () => {
    const windows = new Windows()
    windows.open('v', 's', 1_000)
    expect(windows.covers('s', 2_000, since(0), 'v')).not.toBeNull()
    expect(windows.covers('s', 2_000, since(0), 'w')).toBeNull()
    expect(windows.covers('v', 2_000, since(0), 's')).toBeNull()
  })

  it('ends when the agent must have asked', () => {
    const windows = new Windows()
    windows.open('v', 's', 1_000)
    expect(windows.covers('s', LONG_AFTER, since(0), 'v')).toBeNull()
  })

  it('does not end while no agent lives, and counts from the start of the next one', () => {
    const windows = new Windows()
    windows.open('v', 's', 1_000)
    expect(windows.covers('s', LONG_AFTER, since(null), 'v')).not.toBeNull()
    expect(windows.covers('s', LONG_AFTER, since(LONG_AFTER - 1), 'v')).not.toBeNull()
    expect(windows.covers('s', 2 * LONG_AFTER, since(LONG_AFTER), 'v')).toBeNull()
  })

  it('stays over when the agent dies after it', () => {
    const windows = new Windows()
    windows.open('v', 's', 1_000)
    windows.seal(LONG_AFTER, since(0))
    expect(windows.overdue).toHaveLength(1)
    expect(windows.covers('s', LONG_AFTER, since(null), 'v')).toBeNull()
  })

  it('is over as soon as it was said', () => {
    const windows = new Windows()
    windows.open('v', 's', 1_000)
    windows.noticed('v', 2_000)
    expect(windows.covers('s', 2_500, since(0), 'v')).not.toBeNull()
    expect(windows.covers('s', 4_000, since(0), 'v')).toBeNull()
  })

  it('closes when the right volume is shown again', () => {
    const windows = new Windows()
    windows.open('v', 's', 1_000)
    windows.close('v', 2_000, 'v')
    windows.seal(LONG_AFTER, since(0))
    expect(windows.overdue).toHaveLength(0)
    expect(windows.covers('s', 10_000, since(null), 'v')).toBeNull()
    expect(windows.concerns('v', 1_500, 1_600)).toBe(true)
    expect(windows.concerns('v', 3_000, 4_000)).toBe(false)
  })
})
