// Detaches a volume by its name, mount point or device. Waits while programs still use it, for at most a minute.
//   node examples/detach.ts orders
import { setTimeout as sleep } from 'node:timers/promises'

import { detach, isLunkeeperError } from 'lunkeeper'

const [handle = ''] = process.argv.slice(2)

const signal = AbortSignal.timeout(60_000)
for (;;) {
  try {
    const { name, removed } = await detach(handle, { signal })
    console.log(`${name} is detached; removed ${removed.disks.join(', ')}`)
    break
  } catch (error) {
    if (!isLunkeeperError(error) || error.code !== 'BUSY') throw error
    console.error(error.message)
    await sleep(1000, undefined, { signal })
  }
}
