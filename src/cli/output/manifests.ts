import { stringify } from 'yaml'

/**
 * Objects as a stream of YAML documents. Imported at first use as a module of ours: in the built program a dynamic import of
 * a CommonJS package, as `yaml` is, has a default export only.
 */
export function manifestsText(objects: readonly unknown[]): string {
  return objects.map((object) => `---\n${stringify(object, { lineWidth: 0 })}`).join('')
}
