import type { DialogName } from '../model.ts'
import { reasonOf } from './follow.ts'

/** A change that the page requests from the agent's API. */
export interface PageChange {
  readonly path: string
  readonly body: object
  /** The text that tells the user that the change was made. @param answer of the API */
  readonly success: (answer: unknown) => string
}

/** The change that a submitted dialog requests. @param value the value of a field of the dialog */
export function changeOf(
  dialog: Exclude<DialogName, { kind: 'token' }>,
  value: (name: string) => string,
): PageChange {
  switch (dialog.kind) {
    case 'hold':
      return {
        path: `/api/v1/volumes/${encodeURIComponent(dialog.volume)}/hold`,
        body: { wanted: value('wanted') },
        success: () => `The hold of ${dialog.volume} is now ${value('wanted')}.`,
      }
    case 'give-up':
      return {
        path: `/api/v1/volumes/${encodeURIComponent(dialog.volume)}/give-up`,
        body: { confirm: value('confirm') },
        success: () => `${dialog.volume} was given up: its held I/O has failed.`,
      }
    case 'fix':
    default:
      return { path: '/api/v1/fix', body: {}, success: repairsText }
  }
}

function repairsText(answer: unknown): string {
  const { repairs = [] } = answer as { repairs?: readonly { done: boolean; action: string }[] }
  const done = repairs.filter((repair) => repair.done).map(({ action }) => action)
  return done.length === 0 ? 'There was nothing to repair safely.' : `Done: ${done.join('; ')}.`
}

/** The result of a change, as a notice for the user. */
export interface ChangeResult {
  readonly notice: { readonly isGood: boolean; readonly text: string }
  /** The agent did not accept the token. */
  readonly isTokenRefused: boolean
}

/** Requests a change. Errors are returned as a notice. */
export async function requestChange(
  { path, body, success }: PageChange,
  token: string | null,
): Promise<ChangeResult> {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token ?? ''}` },
      body: JSON.stringify(body),
    })
    const notice = response.ok
      ? { isGood: true, text: success(await response.json()) }
      : { isGood: false, text: await reasonOf(response) }
    return { notice, isTokenRefused: response.status === 401 }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { notice: { isGood: false, text }, isTokenRefused: false }
  }
}
