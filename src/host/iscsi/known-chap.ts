import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { parseChap, type Chap } from '../../model/secret.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Host } from '../host.ts'
import { entries, nodeDatabase } from './database.ts'

/**
 * The credentials that open-iscsi has for a target: those of the first of its records that has any. We
 * store none ourselves, and a new address of the same target takes the same.
 */
export function knownChap(host: Host, iqn: Iqn): Chap | null {
  const target = join(nodeDatabase(host), iqn)
  for (const file of filesBelow(target)) {
    const chap = chapOf(file)
    if (chap) return chap
  }
  return null
}

/** nodes/IQN/ADDRESS,PORT is a file, or with its portal group a directory of one file for each interface. */
function filesBelow(target: string): string[] {
  return entries(target).flatMap((name) => {
    const path = join(target, name)
    return statSync(path, { throwIfNoEntry: false })?.isDirectory()
      ? entries(path).map((iface) => join(path, iface))
      : [path]
  })
}

const CREDENTIAL = /^node\.session\.auth\.(?:username|password)(?:_in)? = /

function chapOf(file: string): Chap | null {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return parseChap(lines.filter((line) => CREDENTIAL.test(line)).join('\n'))
  } catch {
    // None in it, or it went away.
    return null
  }
}
