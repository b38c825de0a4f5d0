import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'

import type { Answer } from './answer.ts'
import { refusal } from './answer.ts'
import type { Token } from './token.ts'

/** `code`: the page's program and style, which say nothing of the node. */
export type Access = 'code' | 'read' | 'change'

/**
 * Why a request is refused; null if it may go on.
 *
 * - Reading needs no token from this machine (also through `ssh -L` and `kubectl port-forward`). From other machines it needs
 *   one: names of targets, pods and directories must not be readable from a pod network.
 * - Changing needs a token in the header `Authorization`, which a foreign web site cannot send, and JSON, which its forms
 *   cannot send.
 * - The name in the URL must be one that another party's DNS cannot point here.
 */
export function refuse(request: IncomingMessage, wanted: Access, token: Token | null): Answer | null {
  const { headers } = request
  if (!isOwnName(headers.host))
    return refusal(421, 'HOST', 'this name is not one of this machine', {
      hint: 'Use localhost, an address, or the name of the node in the URL.',
    })
  if (wanted === 'code') return null
  const isShown = token?.isIn(headers.authorization) ?? false
  if (wanted === 'read') {
    if (isShown || isLocal(request)) return null
    if (token) return unauthorized()
    return refusal(403, 'REMOTE', 'the state of this node is shown to clients on this machine only', {
      hint: 'Use ssh -L or kubectl port-forward, or start the agent with --http-token-file.',
    })
  }
  if (!token)
    return refusal(403, 'READ_ONLY', 'this agent takes no changes over HTTP', {
      hint: 'Use the command on the node, or start the agent with --http-token-file.',
    })
  if (!isShown) return unauthorized()
  if (isForeign(request))
    return refusal(403, 'FOREIGN', 'the request comes from another web site', {
      hint: 'Open the page of this agent itself.',
    })
  if (!/^application\/json(?:;|$)/i.test(headers['content-type'] ?? ''))
    return refusal(415, 'MEDIA_TYPE', 'the content must be application/json', {
      hint: 'Send Content-Type: application/json.',
    })
  return null
}

function unauthorized(): Answer {
  return refusal(
    401,
    'TOKEN',
    'a valid token is required',
    { hint: 'Send Authorization: Bearer TOKEN, with the token of --http-token-file.' },
    { 'www-authenticate': 'Bearer realm="lunkeeper"' },
  )
}

/** A name that resolves here only because its owner wants it so (DNS rebinding) is not an address and not ours. */
function isOwnName(host: string | undefined): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(host ?? '') ?? []
  const name = (bracketed ?? plain ?? '').toLowerCase()
  return isIP(name) !== 0 || name === 'localhost' || name === hostname().toLowerCase()
}

export function isLocal({ socket }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? ''
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

/** Browsers say so, since 2020 all of them (Fetch Metadata); a program does not. */
function isForeign({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  return headers.origin !== undefined && headers.origin !== `http://${headers.host}`
}
