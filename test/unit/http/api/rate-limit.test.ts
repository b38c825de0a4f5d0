import { describe, expect, it } from 'vitest'

import { openRateLimit } from '../../../../src/http/rate-limit.ts'
import { ServedApi } from './served-api.ts'

const api = new ServedApi()

describe('the rate limit of one address', () => {
  it('allows a burst, then a number of requests per second; other addresses are not affected', () => {
    let nowMs = 0
    const mayAnswer = openRateLimit(() => nowMs)
    const answered = (address: string, number: number) =>
      Array.from({ length: number }, () => mayAnswer(address)).filter(Boolean).length
    expect(answered('a', 100)).toBe(60)
    expect(answered('b', 10)).toBe(10)
    nowMs += 1_000
    expect(answered('a', 100)).toBe(20)
  })

  it('answers 429 when it is exceeded', async () => {
    await api.open()
    const answers = await Promise.all(
      Array.from({ length: 15 }, async () => {
        const statuses: number[] = []
        for (let n = 0; n < 8; n++) statuses.push((await api.ask('/api/v1/node')).status)
        return statuses
      }),
    )
    expect(answers.flat()).toContain(429)
    expect((await api.ask('/healthz')).status).toBe(200)
  })
})
