import { stringify } from 'yaml'

import { kubernetesTags } from '../input/kubernetes-yaml.ts'

/**
 * Formats objects as a stream of YAML documents. A string that kubectl would read as a number or a boolean is quoted. Callers
 * import this module dynamically, instead of `yaml`: in the bundled program, a dynamic import of a CommonJS package has only a
 * default export.
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
