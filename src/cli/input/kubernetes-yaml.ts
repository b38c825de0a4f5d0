import type { ScalarTag, Tags } from 'yaml'
import { isMap } from 'yaml'

import type { YamlDocuments } from './yaml-documents.ts'
import { duplicateKeys, TooDeepError, yamlDocuments } from './yaml-documents.ts'

/** The stream is not YAML. `line` counts from 1, and is null if it is not known. */
export class NotYaml extends Error {
  readonly line: number | null

  constructor(line: number | null) {
    super('not YAML')
    this.line = line
  }
}

/** kubectl reads `0o10` as 8 (strconv.ParseInt with base 0); in YAML 1.1 it is a string. */
const OCTAL: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:int',
  format: 'OCT0o',
  test: /^[-+]?0o[0-7_]+$/,
  resolve: (text) => Number(text.replace(/[_+-]/g, '')) * (text.startsWith('-') ? -1 : 1),
}

/**
 * The types of YAML 1.1 as kubectl implements them (sigs.k8s.io/yaml): `yes`, `no`, `on`, `off` are booleans, `010` is
 * 8. It supports neither base-60 numbers (an address such as 1:2:3:4:5:6:7:8 would be one) nor, for JSON, timestamps.
 */
export function kubernetesTags(tags: Tags): Tags {
  const own = tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')),
  )
  return [OCTAL, ...own]
}

/**
 * Parses the objects of a stream as kubectl does: of duplicate keys, the last one wins.
 * @param warn called for each duplicate key
 * @throws NotYaml
 */
export function parseKubernetesYaml(text: string, warn: (message: string) => void): unknown[] {
  const { documents, lineOf } = readDocuments(text)
  return documents.map((document) => {
    const [first] = document.errors
    if (first) throw new NotYaml(lineOf(first.pos[0]))
    for (const { key, offset } of duplicateKeys(document))
      warn(`line ${lineOf(offset)}: duplicate key "${key}"; the last one is used, as in kubectl`)
    return isMap(document.contents) ? (document.toJS({ maxAliasCount: 1000 }) as unknown) : null
  })
}

function readDocuments(text: string): YamlDocuments {
  try {
    return yamlDocuments(text, {
      version: '1.1',
      customTags: kubernetesTags,
      logLevel: 'silent',
    })
  } catch (error) {
    if (error instanceof TooDeepError) throw new NotYaml(error.line)
    throw error
  }
}
