import { stringify } from 'yaml'

import { kubernetesTags } from '../input/kubernetes-yaml.ts'

/**
 * Objects as a stream of YAML documents, in which a text that kubectl would take for a number or a boolean is quoted.
 * Imported at first use as a module of ours: in the built program a dynamic import of a CommonJS package, as `yaml` is, has
 * a default export only.
 */
export function manifestsText(objects: readonly unknown[]): string {
  const options = {
    lineWidth: 0,
    version: '1.1',
    customTags: kubernetesTags,
    aliasDuplicateObjects: false,
  } as const
  return objects.map((object) => `---\n${stringify(object, options)}`).join('')
}
