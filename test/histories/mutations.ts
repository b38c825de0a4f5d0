import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A fault planted in a copy of the sources, to see whether the histories find it. The shipped program has no switch
 * for it.
 */
interface Mutation {
  readonly file: string
  readonly find: RegExp
  readonly replace: string
}

export const MUTATIONS = {
  /** Every volume is taken for the expected one. */
  identity: {
    file: 'src/model/identity.ts',
    find: /(export function nameDifference\([\s\S]*?\): string \| null \{)/,
    replace: '$1\n  if (seen) return null',
  },
  /** I/O that should be held fails at the first loss, and this is not reported. */
  hold: {
    file: 'src/host/map/hold-map.ts',
    find: /on \? 'queue_if_no_path' : 'fail_if_no_path'/,
    replace: "on ? 'fail_if_no_path' : 'fail_if_no_path'",
  },
  /** Only the periodic check takes every path for the volume. */
  checks: {
    file: 'src/host/disk/quick-check.ts',
    find: /return 'other'/,
    replace: "return 'same'",
  },
  /** Detach removes the disks first, as with --force, and reports success. */
  flush: {
    file: 'src/volumes/detach/dismantle.ts',
    find: /work\.force && mustDiscard\(work, disks\)/,
    replace: 'disks.length > 0',
  },
  /** With two nodes: a node that has lost the volume takes it back as soon as it can. */
  owner: {
    file: 'src/model/plan/owner.ts',
    find: /if \(holder\) return \{ kind: 'lost', holder: holder\.key \}([^]*?)if \(isTaken && !isOwn\(holder\) && !takesOver\)/,
    replace: "if (holder) return { kind: 'unclaimed' }$1if (false as boolean)",
  },
} as const satisfies Record<string, Mutation>

export type MutationName = keyof typeof MUTATIONS

/** @throws if the sources differ from those for which the mutation was written */
export async function mutate(checkout: string, name: MutationName): Promise<void> {
  const { file, find, replace } = MUTATIONS[name]
  const path = join(checkout, file)
  const text = await readFile(path, 'utf8')
  if (!find.test(text)) throw new Error(`the mutation ${name} does not fit ${file} any more`)
  await writeFile(path, text.replace(find, replace))
}
