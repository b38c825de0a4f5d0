import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'

import type { HttpAnswer } from './answer.ts'
import { errorAnswer } from './answer.ts'
import type { Token } from './token.ts'

/** What a route does. `code`: it serves the script and style of the page, which contain nothing about the node. */
export type Access = 'code' | 'read' | 'change'

/**
 * The answer that refuses a request; null if the request is allowed.
 *
 * - Reading needs no token from this machine, also through `ssh -L` and `kubectl port-forward`. It needs one from other
 *   machines: names of targets, pods and directories must not be readable from a pod network.
 * - Changes need the token in the `Authorization` header, which another web site cannot send, and a JSON body, which an HTML
 *   form cannot send.
 * - The host name in the URL must be one that DNS of other parties cannot point to this machine.
 */
export function refuse(request: IncomingMessage, access: Access, token: Token | null): HttpAnswer | null {
  const { headers } = request
  if (!isOwnHostName(headers.host))
    return errorAnswer(421, 'HOST', 'the host name in the URL is not a name of this machine', {
      hint: 'Use localhost, an IP address, or the name of the node in the URL.',
    })
  if (access === 'code') return null
  const hasToken = token?.isIn(headers.authorization) ?? false
  if (access === 'read') {
    if (hasToken || isLocal(request)) return null
    if (token) return unauthorized()
    return errorAnswer(403, 'REMOTE', 'only clients on this machine can read the state of this node', {
      hint: 'Use ssh -L or kubectl port-forward, or start the agent with --http-token-file.',
    })
  }
  if (!token)
    return errorAnswer(403, 'READ_ONLY', 'this agent does not accept changes over HTTP', {
      hint: 'Use the command on the node, or start the agent with --http-token-file.',
    })
  if (!hasToken) return unauthorized()
  if (isFromOtherSite(request))
    return errorAnswer(403, 'FOREIGN', 'the request comes from another web site', {
      hint: 'Open the page of this agent directly.',
    })
  if (!/^application\/json(?:;|$)/i.test(headers['content-type'] ?? ''))
    return errorAnswer(415, 'MEDIA_TYPE', 'the body must be application/json', {
      hint: 'Send Content-Type: application/json.',
    })
  return null
}

function unauthorized(): HttpAnswer {
  return errorAnswer(
    401,
    'TOKEN',
    'a valid token is required',
    { hint: 'Send Authorization: Bearer TOKEN, with the token of --http-token-file.' },
    { 'www-authenticate': 'Bearer realm="lunkeeper"' },
  )
}

/**
 * Accepts IP addresses and the names of this machine. Any other name may have been pointed here by an attacker (DNS
 * rebinding).
 */
function isOwnHostName(host: string | undefined): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(host ?? '') ?? []
  const name = (bracketed ?? plain ?? '').toLowerCase()
  return isIP(name) !== 0 || name === 'localhost' || name === hostname().toLowerCase()
}

/** Whether the client is on this machine. */
export function isLocal({ socket }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? ''
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

/** Browsers send these headers, since 2020 all of them (Fetch Metadata); other clients do not. */
function isFromOtherSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  return headers.origin !== undefined && headers.origin !== `http://${headers.host}`
}
