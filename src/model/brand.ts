declare const brand: unique symbol

/** A string or number that was parsed once, at the edge, and is known to be valid from then on. */
export type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }
