import { isIP } from 'node:net'

import { LunkeeperError } from '../model/errors.ts'

/** An address to listen on. */
export interface Address {
  /** Null: all addresses of the machine. */
  readonly host: string | null
  readonly port: number
}

/**
 * Parses `127.0.0.1:9808`, `[::1]:9808` or `:9808`. Host names are not accepted: they could resolve to another machine.
 * @throws USAGE
 */
export function parseAddress(text: string): Address {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain ?? ''
  const port = Number(digits ?? 0)
  if (port < 1 || port > 65_535 || (host !== '' && isIP(host) !== (bracketed === undefined ? 4 : 6)))
    throw new LunkeeperError('USAGE', `"${text}" is not a valid listen address`, {
      hint: 'Examples: 127.0.0.1:9808, [::1]:9808, :9808 for every address of the machine.',
    })
  return { host: host === '' ? null : host, port }
}
