import type { PageElement, PageNode } from '../element.ts'

const SVG = 'http://www.w3.org/2000/svg'

/** The data of each element. New data is compared with it, which is faster than reading the document. */
const current = new WeakMap<Node, PageElement>()
const keyOf = (node: Node) => current.get(node)?.key

/**
 * Changes the children of an element to the wanted ones with as few changes as possible, so that focus, selection and what the
 * user has opened or typed are kept. It creates text nodes and elements only, never markup.
 */
export function patch(parent: Element, wanted: readonly PageNode[]): void {
  const keyed = new Map<string, ChildNode>()
  for (const child of parent.childNodes) {
    const key = keyOf(child)
    if (key !== undefined) keyed.set(key, child)
  }
  const keptKeys = new Set(wanted.map((node) => (typeof node === 'string' ? undefined : node.key)))
  let position: ChildNode | null = parent.firstChild
  for (const node of wanted) {
    // Removed elements are taken out first, because moving a kept element past them would lose the focus.
    while (position && keyOf(position) !== undefined && !keptKeys.has(keyOf(position)))
      position = removed(position)
    const key = typeof node === 'string' ? undefined : node.key
    const found = key === undefined ? position : keyed.get(key)
    // Text from outside can give two elements the same key. They stay two elements.
    if (key !== undefined) keyed.delete(key)
    if (found && canBecome(found, node)) {
      if (found === position) position = position.nextSibling
      else move(parent, found, position)
      update(found, node)
    } else parent.insertBefore(create(node, namespaceIn(parent)), position)
  }
  while (position) position = removed(position)
}

/** @returns the next sibling */
function removed(node: ChildNode): ChildNode | null {
  const next = node.nextSibling
  node.remove()
  return next
}

/** Moves an element without resetting its state, such as the focus, if the browser can (DOM Standard, moveBefore). */
function move(
  parent: Element & { moveBefore?: (node: Node, before: Node | null) => void },
  node: ChildNode,
  before: ChildNode | null,
): void {
  if (parent.moveBefore) parent.moveBefore(node, before)
  else parent.insertBefore(node, before)
}

function canBecome(found: ChildNode, wanted: PageNode): boolean {
  if (typeof wanted === 'string') return found.nodeType === Node.TEXT_NODE
  return (
    found instanceof Element && found.localName === wanted.tag.toLowerCase() && keyOf(found) === wanted.key
  )
}

function update(found: ChildNode, wanted: PageNode): void {
  if (typeof wanted === 'string') {
    if (found.nodeValue !== wanted) found.nodeValue = wanted
    return
  }
  const element = found as Element
  const before = current.get(element)
  current.set(element, wanted)
  for (const name of Object.keys(before?.attributes ?? {}))
    if (!(name in wanted.attributes)) element.removeAttribute(name)
  for (const [name, value] of Object.entries(wanted.attributes))
    if (before?.attributes[name] !== value) element.setAttribute(name, value)
  patch(element, wanted.children)
}

function create(wanted: PageNode, namespace: string | null): Node {
  if (typeof wanted === 'string') return document.createTextNode(wanted)
  const own = wanted.tag === 'svg' ? SVG : namespace
  const element =
    own === null ? document.createElement(wanted.tag) : document.createElementNS(own, wanted.tag)
  for (const [name, value] of Object.entries({ ...wanted.attributes, ...wanted.initial }))
    element.setAttribute(name, value)
  current.set(element, wanted)
  for (const child of wanted.children) element.append(create(child, own))
  return element
}

function namespaceIn(parent: Element): string | null {
  return parent.namespaceURI === SVG ? SVG : null
}
