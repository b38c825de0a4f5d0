/** One server-sent event. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
}

/**
 * Reads server-sent events from pieces of text, which may end anywhere (HTML Living Standard, section 9.2.6). Written for
 * fetch(), as EventSource cannot send a token.
 * @returns takes the next piece, and gives the events that it completes
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
