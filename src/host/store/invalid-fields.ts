import type { $ZodIssue } from 'zod/v4/core'
import { $ZodError } from 'zod/v4/core'

/**
 * Why stored JSON is not what a schema requires, for people. Fields are named, values are not quoted.
 * @param error from JSON.parse, from a parser that the schema calls, or from the schema, parsed with `reportInput`
 */
export function whyInvalid(error: unknown): string {
  if (!(error instanceof $ZodError)) return (error as Error).message
  const [issue] = error.issues
  return issue ? reasonOf(issue) : 'it is not valid'
}

/** The fields that the schema does not have: a newer version may have written them. */
export function unknownFields(error: unknown): string[] {
  if (!(error instanceof $ZodError)) return []
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => nameOf([...issue.path, key])) : [],
  )
}

function reasonOf(issue: $ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `the field ${nameOf([...issue.path, issue.keys[0]!])} is not known`
  if (issue.path.length === 0) return 'it is not a JSON object'
  const field = `the field ${nameOf(issue.path)}`
  if (issue.input === undefined) return `${field} is missing`
  return issue.code === 'invalid_type' ? `${field} is not of type ${issue.expected}` : `${field} is not valid`
}

function nameOf(path: readonly PropertyKey[]): string {
  return `"${path.map(String).join('.')}"`
}
