// Attaches one LUN, creates a file system if the volume is blank, and mounts it.
//   node examples/attach.ts 10.9.0.1 iqn.2026-11.example:san 17 /mnt/orders
import { attach, isLunkeeperError } from 'lunkeeper'

const [portal = '', iqn = '', lun = '', mount = ''] = process.argv.slice(2)

try {
  const volume = await attach({
    name: 'orders',
    portal: portal.split(','), // several portals are several paths
    iqn,
    lun,
    mount,
    format: true,
    hold: '10m',
    onStep: ({ step, subject, state }) => console.error(state === 'begin' ? `${step} ${subject}` : '  done'),
    onWarning: (message) => console.error(`warning: ${message}`),
  })
  console.log(`${volume.name} is ${volume.state} at ${volume.mount}`)
} catch (error) {
  if (!isLunkeeperError(error)) throw error
  console.error(`${error.code}: ${error.message}\n${error.hint ?? ''}`)
  process.exitCode = 1
}
