import type { Kind, Operation } from '../history.ts'
import type { Model } from '../model.ts'
import type { Random } from '../random.ts'
import type { World } from '../world.ts'

export type OperationOf<K extends Kind> = Extract<Operation, { readonly kind: K }>

/** One kind of operation: when it makes sense, what is chosen at random, and what it does. */
export interface Definition<K extends Kind = Kind> {
  /** How often it is chosen, depending on the model's situation; 0 for never. */
  weight(model: Model): number
  /** Null if there is nothing to apply it to. */
  make(random: Random, model: Model): OperationOf<K> | null
  /** Whether it still makes sense: a shortened history lacks what came before. */
  can(operation: OperationOf<K>, model: Model): boolean
  /** @throws Violation */
  act(world: World, operation: OperationOf<K>): Promise<void>
}

export type Definitions<K extends Kind> = { readonly [One in K]: Definition<One> }
