declare const brand: unique symbol

/** A string or number that was parsed once at the edge and is of that kind ever after. */
export type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }
