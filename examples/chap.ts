// Attaches a LUN of a target that requires CHAP. The password is in a file, so that no other process can see it.
//   node examples/chap.ts 10.9.0.1 iqn.2026-11.example:san 17 node1 /etc/orders.password
import { readFile } from 'node:fs/promises'

import { attach, Secret } from 'lunkeeper'

const [portal = '', iqn = '', lun = '', username = '', file = ''] = process.argv.slice(2)

const password = new Secret((await readFile(file, 'utf8')).trim())
const volume = await attach({ portal, iqn, lun, chap: { username, password } })
console.log(`${volume.name} is the device ${volume.device}`)
