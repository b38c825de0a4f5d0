// Requests as lines of JSON, {id, what, ...}; answers as lines {id, value} or {id, error}.
import { createInterface } from 'node:readline'

export function serve(verbs) {
  const answer = async (line) => {
    const { id, what, ...rest } = JSON.parse(line)
    try {
      console.log(JSON.stringify({ id, value: (await verbs[what](rest)) ?? null }))
    } catch (error) {
      const { code, message, hint, details } = error
      console.log(JSON.stringify({ id, error: { code: code ?? error.name, message, hint, details } }))
    }
  }
  createInterface({ input: process.stdin }).on('line', (line) => void answer(line))
  console.log(JSON.stringify({ id: 0, value: 'ready' }))
}
