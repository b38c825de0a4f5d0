import { describe, expect, it } from 'vitest'

import type { Attachment } from '../../../../src/model/attachment.ts'
import { attachedAs } from '../../../../src/model/plan/attached-as.ts'
import { A, attachment, B, identity } from './facts.ts'

const isNotHere = () => false

describe('to which attachment a volume belongs', () => {
  it('a new one: to any record that has learned its identity', () => {
    const own = attachment('own', null)
    const other = { ...attachment('other', identity(A)), createdAt: '2030-01-01T00:00:00.000Z' }
    expect(attachedAs(own, identity(A), [own, other], isNotHere)).toBe(other)
    expect(attachedAs(own, identity(B), [own, other], isNotHere)).toBeNull()
    expect(attachedAs(own, identity(A), [own, attachment('blank', null)], isNotHere)).toBeNull()
  })

  it('its own record is not another one', () => {
    const own = attachment('own', identity(A))
    expect(attachedAs(own, identity(A), [own], () => true)).toBeNull()
  })

  it('of two records that know the volume exactly one takes precedence, in any order', () => {
    const older = { ...attachment('z', identity(A)), createdAt: '2026-01-01T00:00:00.000Z' }
    const younger = { ...attachment('a', identity(A)), createdAt: '2026-02-01T00:00:00.000Z' }
    const all = [older, younger]
    const blocked = (own: Attachment, isHere: (one: Attachment) => boolean) =>
      attachedAs(own, identity(A), all, isHere) !== null
    expect([blocked(older, isNotHere), blocked(younger, isNotHere)]).toEqual([false, true])
    // The one in the kernel has precedence over the older one: the other one must not be mounted beside it.
    expect(blocked(older, (one) => one === younger)).toBe(true)
    const twins = all.map((one) => ({ ...one, createdAt: older.createdAt }))
    expect(twins.map((own) => attachedAs(own, identity(A), twins, isNotHere) === null)).toEqual([false, true])
  })

  it('equal serials alone say nothing; equal WWIDs with different serials are two volumes', () => {
    const own = attachment('own', null)
    const bare = attachment('other', { wwid: null, serial: 'S', bytes: 1 })
    expect(attachedAs(own, { wwid: null, serial: 'S', bytes: 1 }, [bare], isNotHere)).toBeNull()
    const other = attachment('other', { wwid: A, serial: 'S1', bytes: 1 })
    expect(attachedAs(own, { wwid: A, serial: 'S2', bytes: 1 }, [other], isNotHere)).toBeNull()
    expect(attachedAs(own, { wwid: A, serial: null, bytes: 1 }, [other], isNotHere)).toBe(other)
  })
})
