/**
 * An element of the page, as data. Views are pure functions that return elements; browser/patch.ts applies them to the
 * document. A string always becomes text, never markup.
 */
export interface PageElement {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly PageNode[]
  /** Identifies the element among its siblings when their order changes. */
  readonly key?: string
  /**
   * Attributes that are set only when the element is created, because the user changes them later (`open` of details).
   */
  readonly initial?: Readonly<Record<string, string>>
}

export type PageNode = PageElement | string

/** A child of an element. `false` and null are left out. */
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

/** Makes an element. Attributes that are false, null or undefined are left out; `true` makes one without a value. */
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

/** Combines adjacent texts into one, as a document does. */
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
