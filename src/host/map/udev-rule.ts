import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host.ts'
import { HOLD_PREFIX } from '../read/maps.ts'

const RELOAD_DEADLINE = 10_000

// Between the rules that tell what map it is and those that read the device, which stand at 10 and 13 as
// device-mapper ships them and at 55 and 60 in Debian. A worker of udev that reads a map without a path
// waits as long as the map does.
const NAMES = ['12-lunkeeper.rules', '56-lunkeeper.rules']
const RULE = `# Made by Lunkeeper: nobody probes a hold map, it may be waiting for its target.
ACTION!="remove", SUBSYSTEM=="block", ATTR{dm/uuid}=="${HOLD_PREFIX}*", ENV{DM_NOSCAN}="1", ENV{DM_UDEV_DISABLE_DISK_RULES_FLAG}="1", ENV{DM_UDEV_DISABLE_OTHER_RULES_FLAG}="1", OPTIONS+="nowatch"
`

/** Tells udev to let hold maps be; once a boot. Where it cannot be told, the map works all the same. */
export async function keepUdevOff(host: Host): Promise<void> {
  const directory = join(host.paths.root, 'run/udev/rules.d')
  if (NAMES.every((name) => existsSync(join(directory, name)))) return
  try {
    mkdirSync(directory, { recursive: true })
    for (const name of NAMES) writeFileSync(join(directory, name), RULE)
  } catch {
    return
  }
  await host.run('udevadm', ['control', '--reload'], { deadline: RELOAD_DEADLINE }).catch(() => {})
}
