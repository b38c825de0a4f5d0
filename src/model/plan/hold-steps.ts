import type { HoldNote } from '../hold-note.ts'
import type { LogCode } from '../log-entry.ts'
import type { Refused } from './hold-facts.ts'

/** One step of a path's return. The first step that fails ends the return. */
export type ReturnStep =
  /**
   * Look for the volume among all LUNs that the target presents. The return continues only if the volume is at its
   * old LUN.
   */
  | 'search-lun'
  /** End a lost session that only hold maps use. This is the only step while the target is away. */
  | 'log-out'
  /** Log in, scan, and wait for the disk. */
  | 'make-path'
  /** Ask the disk which volume it is, and whether this node owns it. The last step for a volume that is being detached. */
  | 'verify'
  /** Let I/O go through a path that is in the map's table. */
  | 'reinstate'
  /** Load a table that includes the path. */
  | 'load-table'

export type HoldStep =
  /** Record the state of the hold; null: the outage is over. */
  | { readonly kind: 'record'; readonly note: HoldNote | null }
  /** @property about the topic: a text that repeats under the same topic is logged once; null: an event */
  | {
      readonly kind: 'say'
      readonly about: string | null
      readonly text: string
      /** Present if the line says that the volume's state changed. */
      readonly code?: LogCode
      /** Length of the outage that ended, in seconds. */
      readonly seconds?: number
    }
  | { readonly kind: 'queue'; readonly on: boolean }
  /** Stop I/O through this path of the map. */
  | { readonly kind: 'fail'; readonly devno: string }
  /** Remove a disk of another volume, or of a lost volume, from beneath the volume and from the node, without a flush. */
  | { readonly kind: 'drop-disk'; readonly sid: number }
  /** Remove all disks from the map: nothing written to the map reaches a target any more. */
  | { readonly kind: 'empty-map' }
  /** Start the processes that a return needs, so that they are running when the target is back. */
  | { readonly kind: 'warm-up' }
  | { readonly kind: 'search-portal' }
  | LastingStep

/** Steps that take time: they are started, and a {@link StepResult} reports how they ended. */
export type LastingStep =
  /** Ask a path that already carries I/O which volume it is. */
  | {
      readonly kind: 'verify'
      readonly sid: number
      readonly connection: string | null
      readonly disk: string
      readonly devno: string
    }
  | {
      readonly kind: 'return'
      readonly portal: string
      /** The path in the map's table, and its session; null if the path must be made. */
      readonly path: { readonly sid: number; readonly devno: string } | null
      readonly steps: readonly ReturnStep[]
    }
  /** Test the file system, and remount it where I/O errors broke it. */
  | { readonly kind: 'recover' }
  /**
   * Unmount a misplaced or fenced volume once no process uses it, and remove the map of a fenced one; nothing is
   * written. Its note then records that it is clear.
   */
  | { readonly kind: 'clear' }
  | { readonly kind: 'attach' }

export type StepResult =
  | { readonly kind: 'verify'; readonly step: StepOf<'verify'>; readonly refused: Refused | null }
  | { readonly kind: 'return'; readonly step: StepOf<'return'>; readonly came: Returned }
  /** @property trouble why the file system is not usable yet; null: it is usable */
  | { readonly kind: 'recover'; readonly trouble: string | null }
  | { readonly kind: 'recover-failed'; readonly refused: Refused }
  /** @property users the processes that still use it; null: it is clear */
  | { readonly kind: 'clear'; readonly users: string | null }
  | { readonly kind: 'attach' }
  | {
      readonly kind: 'failed'
      readonly step: StepOf<'clear' | 'attach'>
      readonly refused: Refused
    }

export type StepOf<Kind extends HoldStep['kind']> = Extract<HoldStep, { kind: Kind }>

export type Returned =
  /** @property path the path that carries I/O now, as it was verified; `verified`: the path does not carry I/O */
  | {
      readonly kind: 'reinstated' | 'loaded' | 'verified'
      readonly path: {
        readonly sid: number
        readonly devno: string
        readonly connection: string | null
      } | null
    }
  /** The lost session was logged out; the other steps follow once the target accepts logins. */
  | { readonly kind: 'logged-out' }
  /** The volume is at another LUN now, and its record has been updated. */
  | { readonly kind: 'moved'; readonly from: number; readonly to: number }
  /** @property foundHere the volume was seen at its own LUN before the return failed */
  | { readonly kind: 'refused'; readonly refused: Refused; readonly foundHere?: true }
