/**
 * What the page is made of, as data: views are pure functions that return it, and only browser/patch.ts makes it a document.
 * Text stays text: there is no way from a string to markup.
 */
export interface PageElement {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly PageNode[]
  /** Tells this element from its siblings when they change places. */
  readonly key?: string
  /** Attributes for the time when it is made; later they belong to the user (`open` of details). */
  readonly initial?: Readonly<Record<string, string>>
}

export type PageNode = PageElement | string

/** `false` and null are left out. */
export type PageChild = PageNode | false | null | readonly PageChild[]

export interface Attributes {
  readonly [name: string]:
    | string
    | number
    | boolean
    | null
    | undefined
    | Readonly<Record<string, string | boolean>>
  /** @see PageElement.key */
  readonly key?: string
  /** @see PageElement.initial */
  readonly initial?: Readonly<Record<string, string | boolean>>
}

/** An element. Attributes that are false, null or undefined are left out; `true` is one without a value. */
export function h(tag: string, attributes: Attributes = {}, ...children: PageChild[]): PageElement {
  const { key, initial, ...rest } = attributes
  return {
    tag,
    attributes: present(rest),
    children: joined(children),
    ...(key === undefined ? {} : { key }),
    ...(initial ? { initial: present(initial) } : {}),
  }
}

function present(attributes: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === false || value === null || value === undefined
        ? []
        : [[name, value === true ? '' : String(value)]],
    ),
  )
}

/** Texts beside each other are one text, as they are in a document. */
function joined(children: readonly PageChild[]): PageNode[] {
  const nodes: PageNode[] = []
  for (const child of (children as readonly unknown[]).flat(Number.POSITIVE_INFINITY) as PageChild[]) {
    if (child === false || child === null || child === '') continue
    const last = nodes.at(-1)
    if (typeof child === 'string' && typeof last === 'string') nodes[nodes.length - 1] = last + child
    else nodes.push(child as PageNode)
  }
  return nodes
}
