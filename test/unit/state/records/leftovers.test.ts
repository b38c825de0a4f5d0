import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { expect, it } from 'vitest'

import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'
import { removeLeftovers } from '../../../../src/state/records/leftovers.ts'
import { temporary } from '../../temporary.ts'

const LONG_AGO = new Date(Date.now() - 3_600_000)

const KILLED = [
  'records/volumes/.v0.json.b99e5e956677',
  'records/formatting/.5d2c.json.b99e5e956677',
  'run/.dirty-limit.json.b99e5e956677',
  'run/holds/.v0.json.b99e5e956677',
  'run/registered/.v0.json.b99e5e956677',
  'run/sessions/.5d2c.json.b99e5e956677',
  'run/csi/.publishing-5d2c.b99e5e956677',
  'run/overlays/0c2b9a3e-0000-4000-8000-000000000000',
  'etc/multipath/conf.d/.zz-lunkeeper.conf.b99e5e956677',
  'etc/iscsi/.10.0.0.5,3260.b99e5e956677',
]
const OTHERS = [
  'records/volumes/v0.json',
  'records/volumes/.hidden',
  'etc/iscsi/.iscsid.conf.b99e5e956677',
  'etc/iscsi/iscsid.conf',
]

it('files of killed processes are removed once they are too old to be still written, and no others', () => {
  const root = temporary()
  const host = openHost({
    paths: hostPaths(root),
    places: { records: join(root, 'records'), runtime: join(root, 'run') },
  })
  const write = (file: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  mkdirSync(join(root, 'etc/iscsi/nodes'), { recursive: true })
  const left = () => [...KILLED, ...OTHERS].filter((file) => existsSync(join(root, file)))
  for (const file of [...KILLED, ...OTHERS]) write(file)
  removeLeftovers(host)
  expect(left()).toEqual([...KILLED, ...OTHERS])
  for (const file of [...KILLED, ...OTHERS]) utimesSync(join(root, file), LONG_AGO, LONG_AGO)
  removeLeftovers(host)
  expect(left()).toEqual(OTHERS)
})
