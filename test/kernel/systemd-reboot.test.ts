import { describe, expect } from 'vitest'

import type { Target } from '../../lab/index.ts'
import { isEverything, kernels } from './node.ts'
import {
  attachAll,
  boot,
  install,
  isActive,
  onSystemd,
  POINTS,
  powerOff,
  standing,
  volumes,
} from './on-systemd.ts'

describe.skipIf(!isEverything).each(kernels('bookworm'))('a reboot brings volumes back (%s)', (debian) => {
  const it = onSystemd(debian, { node: 'none' })
  let shared: Target
  let initiator: string

  it('a volume is mounted before the service that needs it starts', async ({ lab, store }) => {
    shared = await volumes(store)
    const first = await boot(lab, debian)
    await install(first)
    await attachAll(first, shared)
    await first.sh('echo written > /mnt/one/file')
    await first.write(
      '/etc/systemd/system/user.service',
      `[Unit]
After=lunkeeper.service
RequiresMountsFor=/mnt/one
AssertPathIsMountPoint=/mnt/one
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'cat /mnt/one/file > /run/read'
ExecStop=/bin/sh -c 'sleep 1; echo stopped > /mnt/one/file'
[Install]
WantedBy=multi-user.target
`,
    )
    await first.sh('systemctl enable --now user')
    await first.sh(
      'tar -cf /lab/share/disk.tar /etc/systemd/system /etc/iscsi /var/lib/lunkeeper /var/lib/iscsi',
    )
    initiator = first.initiator
    await powerOff(first, 60_000)
    const second = await boot(lab, debian, { name: 'again', initiator, restore: 'disk.tar' })
    expect(await second.read('/run/read')).toBe('stopped\n')
    expect(await standing(second)).toMatchObject({ mounts: POINTS })
    expect(await isActive(second, 'open-iscsi')).toBe('active')
    await second.kill()
  })

  it('a target that is away delays the boot by half a minute, and a service stays down without its volume', async ({
    lab,
  }) => {
    await shared.disable()
    const node = await boot(lab, debian, { name: 'alone', initiator, restore: 'disk.tar' })
    expect(await isActive(node, 'lunkeeper')).toBe('active')
    expect(await node.sh('systemctl show lunkeeper -p ActiveEnterTimestampMonotonic --value')).toMatch(
      /^[34]\d{7}$/,
    )
    expect(await isActive(node, 'user')).not.toBe('active')
    await shared.enable()
    await node.until(async () => (await node.storage()).mounts.length === 2, { deadline: 30_000 })
    await node.sh('systemctl start user')
    await node.kill()
  })
})
