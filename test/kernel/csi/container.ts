import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { unpackImage } from '../../../deploy/image/image.ts'
import type { LabNode, LabProcess } from '../../../lab/index.ts'

const project = join(import.meta.dirname, '../../..')
/** In the checkout, so that machines see it; one for each concurrent test process. */
const PLACE = `.cache/test-image-${process.env.VITEST_POOL_ID}`

let made: Promise<void> | undefined

/** The image as it is built without Docker, unpacked: what a container contains at its start. */
function makeImage(): Promise<void> {
  return (made ??= (async () => {
    const place = join(project, PLACE)
    await rm(place, { recursive: true, force: true })
    const built = await promisify(execFile)(
      process.execPath,
      ['scripts/image.mjs', '--out', join(place, 'image')],
      { cwd: project },
    )
    await unpackImage(built.stdout.trim(), join(place, 'bundle'))
  })())
}

/** The agent in a container as deploy/kubernetes creates it: the image's root, the host's network and processes. */
export async function startInContainer(
  node: LabNode,
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<LabProcess> {
  await makeImage()
  // As systemd sets it up: mounts propagate to namespaces that are derived from it.
  await node.sh('mount --make-rshared / && mkdir -p /var/lib/kubelet /run/container')
  const unshared = 'unshare --mount --propagation slave --ipc /lab/project/test/kernel/guest/container.sh'
  const image = `/lab/project/${PLACE}/bundle/rootfs`
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const agent = '/opt/lunkeeper/bin/lunkeeper agent --host-root /host'
  return node.start([
    ...unshared.split(' '),
    image,
    '/run/container',
    '/usr/bin/env',
    ...variables,
    ...agent.split(' '),
    ...flags,
  ])
}
