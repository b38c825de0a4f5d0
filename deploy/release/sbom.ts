import { createHash } from 'node:crypto'

import type { Component } from './contents.ts'
import { EPOCH } from './epoch.ts'

/**
 * What is inside, as CycloneDX 1.6 in JSON (ECMA-424): for scanners of vulnerabilities and licences. The same contents make
 * the same document: its serial number is made of them, its time is that of the release.
 */
export function sbom(version: string, components: readonly Component[]): string {
  const root = `pkg:npm/lunkeeper@${version}`
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([version, components]))}`,
    version: 1,
    metadata: {
      timestamp: new Date(Number(EPOCH) * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': root,
        name: 'lunkeeper',
        version,
        purl: root,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components: components.map((component) => ({
      type: component.name === 'node' ? 'platform' : 'library',
      'bom-ref': purl(component),
      name: component.name,
      version: component.version,
      purl: purl(component),
      licenses: [
        /^[\w.-]+$/.test(component.license)
          ? { license: { id: component.license } }
          : { expression: component.license },
      ],
      ...(component.integrity === null
        ? {}
        : { hashes: [{ alg: 'SHA-512', content: hexOf(component.integrity) }] }),
      ...(component.name === 'node'
        ? { cpe: `cpe:2.3:a:nodejs:node.js:${component.version}:*:*:*:*:*:*:*` }
        : {}),
    })),
    dependencies: [{ ref: root, dependsOn: components.map(purl) }],
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** github.com/package-url/purl-spec: the @ of a scope is encoded. */
const purl = ({ name, version }: Component): string =>
  name === 'node' ? `pkg:generic/node@${version}` : `pkg:npm/${name.replace('@', '%40')}@${version}`

const hexOf = (integrity: string): string =>
  Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')

/** RFC 9562, version 8: its bits are ours to choose. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
