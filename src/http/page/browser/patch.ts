import type { PageElement, PageNode } from '../element.ts'

const SVG = 'http://www.w3.org/2000/svg'

/** What each element was made of last: compared with what is wanted, which is quicker than to ask the document. */
const made = new WeakMap<Node, PageElement>()
const keyOf = (node: Node) => made.get(node)?.key

/**
 * Makes the children of an element what is wanted, and changes as little as possible: focus, selection and what the user has
 * opened or typed stay. Only text nodes and attributes are made, never markup.
 */
export function patch(parent: Element, wanted: readonly PageNode[]): void {
  const keyed = new Map<string, ChildNode>()
  for (const child of parent.childNodes) {
    const key = keyOf(child)
    if (key !== undefined) keyed.set(key, child)
  }
  const stays = new Set(wanted.map((node) => (typeof node === 'string' ? undefined : node.key)))
  let place: ChildNode | null = parent.firstChild
  for (const node of wanted) {
    // What goes is taken out first: to move what stays past it would take the focus away.
    while (place && keyOf(place) !== undefined && !stays.has(keyOf(place))) place = removed(place)
    const key = typeof node === 'string' ? undefined : node.key
    const found = key === undefined ? place : keyed.get(key)
    // Two with one key, which outside text can cause, are two elements all the same.
    if (key !== undefined) keyed.delete(key)
    if (found && isLike(found, node)) {
      if (found === place) place = place.nextSibling
      else move(parent, found, place)
      update(found, node)
    } else parent.insertBefore(create(node, namespaceIn(parent)), place)
  }
  while (place) place = removed(place)
}

/** @returns what stood behind it */
function removed(node: ChildNode): ChildNode | null {
  const next = node.nextSibling
  node.remove()
  return next
}

/** Browsers that can move an element without resetting it do: it keeps the focus (DOM Standard, moveBefore). */
function move(
  parent: Element & { moveBefore?: (node: Node, before: Node | null) => void },
  node: ChildNode,
  before: ChildNode | null,
): void {
  if (parent.moveBefore) parent.moveBefore(node, before)
  else parent.insertBefore(node, before)
}

function isLike(found: ChildNode, wanted: PageNode): boolean {
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
  const before = made.get(element)
  made.set(element, wanted)
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
  made.set(element, wanted)
  for (const child of wanted.children) element.append(create(child, own))
  return element
}

function namespaceIn(parent: Element): string | null {
  return parent.namespaceURI === SVG ? SVG : null
}
