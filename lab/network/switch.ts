import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Root } from '../debian/root.ts'
import { LabError } from '../error.ts'
import type { Guard } from '../machine/guard.ts'

/** Starts an Ethernet switch as an ordinary process (uml_switch(1)). @returns the socket that machines plug into */
export async function startSwitch(root: Root, dir: string, guard: Guard): Promise<string> {
  const socket = join(dir, 'switch')
  const libraries = join(root.dir, 'usr/lib/x86_64-linux-gnu')
  const child = spawn(
    join(root.boot, 'ld.so'),
    ['--library-path', libraries, join(root.dir, 'usr/bin/uml_switch'), '-unix', socket],
    {
      // it ends when its standard input ends, unless that is a terminal: this pipe stays open for as long as the
      // lab
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    },
  )
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  if (child.pid === undefined) throw new LabError('the switch could not be started')
  guard.add(child.pid)
  child.unref()
  ;(child.stdin as unknown as { unref?: () => void }).unref?.()
  // it is listening once the socket exists, which takes some milliseconds
  for (let tries = 0; !existsSync(socket); tries++) {
    if (tries > 200 || child.exitCode !== null) throw new LabError('the switch did not come up')
    await sleep(5)
  }
  return socket
}
