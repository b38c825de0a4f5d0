import type { PageNode } from '../../../../src/http/page/element.ts'

/** The text that a reader sees of elements. */
export function textOf(nodes: readonly (PageNode | null)[]): string {
  return nodes
    .map((node) => (node === null ? '' : typeof node === 'string' ? node : textOf(node.children)))
    .join('')
}

/** All elements with this tag, or with this class if it begins with a dot. */
export function find(nodes: readonly (PageNode | null)[], wanted: string): Exclude<PageNode, string>[] {
  return nodes.flatMap((node) => {
    if (node === null || typeof node === 'string') return []
    const classes = (node.attributes['class'] ?? '').split(' ')
    const isFound = wanted.startsWith('.') ? classes.includes(wanted.slice(1)) : node.tag === wanted
    return [...(isFound ? [node] : []), ...find(node.children, wanted)]
  })
}
