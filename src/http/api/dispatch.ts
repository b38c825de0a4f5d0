import type { IncomingMessage, ServerResponse } from 'node:http'

import { refuse } from './access.ts'
import type { HttpAnswer } from './answer.ts'
import { failure, errorAnswer } from './answer.ts'
import { BadBody } from './body.ts'
import type { ApiSources } from './routes.ts'
import { routesOf } from './routes.ts'
import type { Token } from './token.ts'

const SEE_DESCRIPTION = { hint: 'See /api/v1/openapi.json.' }

export interface ApiRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Path of the URL, without the query. */
  readonly path: string
  /** Headers for a stream that is started as the answer. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Finds the route of a request, checks whether the client may use it, and answers.
 * @returns null if a stream was started as the answer
 */
export async function answerApi(
  sources: ApiSources,
  token: Token | null,
  { request, response, path, headers }: ApiRequest,
): Promise<HttpAnswer | null> {
  const routes = routesOf(path)
  // HEAD is answered like GET, except for the stream, which would never end.
  const method = request.method === 'HEAD' && path !== '/api/v1/events' ? 'GET' : request.method
  const match = routes.find(({ route }) => route.method === method)
  if (!match)
    return routes.length === 0
      ? errorAnswer(404, 'NO_ROUTE', 'there is no such resource', SEE_DESCRIPTION)
      : errorAnswer(405, 'METHOD', 'this method is not allowed for this resource', SEE_DESCRIPTION, {
          allow: routes.map(({ route }) => route.method).join(', '),
        })
  const { route, params } = match
  const refused = refuse(request, route.access, token)
  if (refused) return refused
  try {
    return await route.answer(sources, { request, response, params, headers })
  } catch (error) {
    return error instanceof BadBody
      ? errorAnswer(400, 'BODY', error.message, SEE_DESCRIPTION)
      : failure(error)
  }
}
