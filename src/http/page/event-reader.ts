/** One server-sent event. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
}

/**
 * Opens a parser for server-sent events (HTML Living Standard, section 9.2.6), for use with fetch(), because EventSource cannot
 * send a token.
 * @returns a function that takes the next piece of text, which may end anywhere, and returns the events that it completes
 */
export function eventReader(): (piece: string) => ServerEvent[] {
  let rest = ''
  return (piece) => {
    rest += piece
    const blocks = rest.split('\n\n')
    rest = blocks.pop()!
    return blocks.flatMap((block) => {
      let name = 'message'
      const data: string[] = []
      for (const line of block.split('\n')) {
        const [, field, value] = /^([a-z]+): ?(.*)$/s.exec(line) ?? []
        if (field === 'event') name = value!
        if (field === 'data') data.push(value!)
      }
      return data.length === 0 ? [] : [{ name, data: data.join('\n') }]
    })
  }
}
