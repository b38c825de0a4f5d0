import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { laterVersion, statusFor } from '../deploy/release/dpkg.ts'
import { packed, version } from '../deploy/release/packed.ts'
import { kernels, lunkeeper } from './node.ts'

const LATER = '99.0'

/** Programs have nothing of the checkout and no Node; dpkg may write to /usr and knows what is installed. */
const CLEAN = `
set -e
rm -f /run/lab/bin/node /run/lab/bin/lunkeeper /usr/local/sbin/lunkeeper
mount -t tmpfs tmpfs /lab/project
modprobe overlay
mkdir -p /dev/shm/usr/upper /dev/shm/usr/work
mount -o remount,size=800m /dev/shm
mount -t overlay overlay -o lowerdir=/usr,upperdir=/dev/shm/usr/upper,workdir=/dev/shm/usr/work /usr
# dpkg will not start without it; it would show changes of configuration files.
ln -s true /usr/bin/diff
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates
cp /lab/share/status /var/lib/dpkg/status
# Directories of others, as in every Debian: dpkg would try to remove those that no other package has.
printf '%s\\n' /. /etc /usr /usr/sbin /usr/lib /usr/lib/systemd /usr/lib/systemd/system /usr/share >/var/lib/dpkg/info/libc6.list
`

describe.each(kernels('bookworm'))(
  'installed from the Debian package, on a machine without Node (%s)',
  (debian) => {
    let lab: Lab
    let node: LabNode
    let target: Target

    beforeAll(async () => {
      const { deb } = await packed()
      lab = await Lab.open()
      await copyFile(deb, join(lab.share, 'lunkeeper.deb'))
      await copyFile(await laterVersion(deb, LATER, lab.share), join(lab.share, 'later.deb'))
      node = await lab.boot({ debian, memory: 1400, systemd: true })
      await node.sh('systemctl is-system-running --wait || :')
      await node.write('/lab/share/status', await statusFor(deb))
      await node.sh(CLEAN)
      target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
      await target.map(5, { serial: 'aaaa5', bytes: 64 << 20 })
    })
    afterAll(() => lab?.close())

    const dpkg = (...args: string[]) => node.run(['dpkg', ...args], { deadline: 600_000 })
    const isActive = (unit: string) => node.sh(`systemctl is-active ${unit} || :`)
    const agent = async () => Number(await node.sh('systemctl show lunkeeper -p MainPID --value'))
    const state = async () => (await lunkeeper(node).volumes()).map((volume) => volume.state)

    test('it installs, starts its agent, and brings manual, completion and configuration', async () => {
      expect((await node.run(['sh', '-c', 'command -v node'])).code).not.toBe(0)
      const installed = await dpkg('-i', '/lab/share/lunkeeper.deb')
      expect(installed.code, installed.stderr).toBe(0)
      expect(await isActive('lunkeeper')).toBe('active')
      expect(await isActive('lunkeeper-shutdown')).toBe('active')
      expect(await node.sh('systemctl is-enabled lunkeeper lunkeeper-shutdown')).toBe('enabled\nenabled')
      expect(await node.sh('lunkeeper --version')).toBe(version)
    })

    test('it attaches a volume: the program starts itself as its worker process', async () => {
      const attached = await lunkeeper(node).attach(
        `--portal 127.0.0.1 --iqn ${target.iqn} --lun 5 --name db --hold forever --mount /mnt/db --format`.split(
          ' ',
        ),
      )
      expect(attached).toMatchObject({ state: 'ready', hold: { mode: 'map' } })
      await node.sh('echo before > /mnt/db/file; sync -f /mnt/db')
    })

    test('it is not removed while a volume is attached', async () => {
      const removed = await dpkg('-r', 'lunkeeper')
      expect(removed.code).not.toBe(0)
      expect(removed.stderr).toContain('error: volumes are attached')
      expect(await isActive('lunkeeper')).toBe('active')
      expect(await state()).toEqual(['ready'])
      expect(await node.read('/mnt/db/file')).toBe('before\n')
    })

    test('an upgrade in an outage keeps the volume held', async () => {
      const former = await agent()
      await target.disable()
      await node.until(async () => (await state())[0] === 'holding')
      const writer = await node.start([
        'sh',
        '-c',
        'echo waiting > /mnt/db/late && sync -f /mnt/db && echo done',
      ])
      const upgraded = await dpkg('-i', '/lab/share/later.deb')
      expect(upgraded.code, upgraded.stderr).toBe(0)
      expect(await node.sh(`dpkg-query -W -f '\${Version}' lunkeeper`)).toBe(LATER)
      expect(await isActive('lunkeeper')).toBe('active')
      expect(await agent()).not.toBe(former)
      expect(await state()).toEqual(['holding'])
      expect(writer.stdout).toBe('')
      await target.enable()
      expect(await writer.exited).toMatchObject({ code: 0 })
      expect(writer.stdout).toBe('done\n')
      expect(await node.read('/mnt/db/late')).toBe('waiting\n')
      await node.until(async () => (await state())[0] === 'ready')
    })

    test('after the last detach it goes, and a purge leaves nothing of it', async () => {
      await lunkeeper(node).detach('db')
      const removed = await dpkg('-r', 'lunkeeper')
      expect(removed.code, removed.stderr).toBe(0)
      for (const unit of ['lunkeeper', 'lunkeeper-shutdown']) expect(await isActive(unit)).toBe('inactive')
      expect(await node.exists('/usr/sbin/lunkeeper')).toBe(false)
      expect(await node.exists('/etc/lunkeeper/config.yaml')).toBe(true)
      const purged = await dpkg('-P', 'lunkeeper')
      expect(purged.code, purged.stderr).toBe(0)
      expect(
        await node.sh(
          'find / -xdev -name "*lunkeeper*" ! -path "/lab/*" ! -path "/proc/*"; find /etc /var/lib /run /usr -name "*lunkeeper*"',
        ),
      ).toBe('')
      expect(await node.sh('ls /dev/mapper')).toBe('control')
    })
  },
)
