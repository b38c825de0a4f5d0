import { createHash, randomBytes } from 'node:crypto'

import type { FullReservations } from '../../host/disk/reservations.ts'
import { claimFree, preempt, readReservations, registerKey, reserve } from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import { readInitiatorName } from '../../host/read/node.ts'
import { readNodeTag } from '../../host/read/node-tag.ts'
import type { Attachment, Publication } from '../../model/attachment.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { ClaimFacts, ClaimStep } from '../../model/plan/owner.ts'
import { nextClaimStep } from '../../model/plan/owner.ts'
import type { Registration, ReservationKey } from '../../model/reservation.ts'
import { formatKey, makeKey } from '../../model/reservation.ts'
import { askReservations, giveUpKey } from '../../state/proof/own-keys.ts'
import { confirmAgain } from '../../state/proof/owner.ts'
import { forgetRegistered, noteRegistered } from '../../state/records/registrations.ts'
import type { Stepper } from '../step.ts'
import type { ClaimRefusal } from './claim-refusal.ts'
import { claimRefusal, isOfThisNode, lostMeanwhile, registrantName } from './claim-refusal.ts'
import type { Path } from './path.ts'
import { refuseUnusable } from './usable.ts'

export interface ClaimWork {
  readonly host: Host
  readonly record: Attachment
  readonly paths: readonly Path[]
  /** Sessions in which this attach has made the disk. */
  readonly scanned: ReadonlySet<number>
  readonly steps: Stepper
  readonly note: (change: Partial<Attachment>) => void
  /** The VolumeAttachment by which Kubernetes gave the volume to this node now; the record may have a former one. */
  readonly publication?: Publication | undefined
  /** Take the volume from another node. */
  readonly takesOver: boolean
  /** No person or orchestrator has just asked for it: the record alone does not make it this node's. */
  readonly isAutomatic: boolean
  /** Asked immediately before that: throws if it is no longer allowed. */
  readonly confirmTakeOver?: (() => Promise<void>) | undefined
  /** Called when it was taken from another node. */
  readonly taken?: () => void
}

/** One claim of a volume for this node: reads who has it, takes the next step ({@link nextClaimStep}), reads again. */
export class ReservationClaim {
  readonly #work: ClaimWork
  readonly #disk: Path['disk']
  readonly #key: ReservationKey
  readonly #initiator: string | null
  #told: FullReservations | null = null
  #known = { isUnsupported: false, isRegistered: false, hasReserved: false, conflicts: 0 }
  #persists = false
  #mayBeTaken = false

  /** @param disk of the path through which it is claimed */
  constructor(work: ClaimWork, disk: Path['disk']) {
    this.#work = work
    this.#disk = disk
    this.#key = keyFor(work.host, work.record)
    this.#initiator = readInitiatorName(work.host.paths)
  }

  /**
   * @returns null where the target has no persistent reservations
   * @throws as claimVolume
   */
  async run(): Promise<Registration | null> {
    for (;;) {
      const step = nextClaimStep(this.#facts())
      switch (step.kind) {
        case 'read':
          await this.#read()
          break
        case 'register':
          await this.#register()
          break
        case 'reserve':
          await this.#reserve()
          break
        case 'preempt':
          await this.#preempt(step)
          break
        case 'unguarded':
          return null
        case 'done':
          return this.#done()
        case 'beside':
          // Its own key stays: the reservation may be this node's, and a person says who has the volume.
          throw claimRefusal(this.#work.record, step, this.#told)
        case 'elsewhere':
        case 'foreign':
        case 'contended':
          throw await this.#withdrawn(step)
      }
    }
  }

  #facts(): ClaimFacts {
    const isOwn = (key: ReservationKey) => this.#isOwn(key)
    return { told: this.#told, key: this.#key, isOwn, takesOver: this.#work.takesOver, ...this.#known }
  }

  async #read(): Promise<void> {
    const { host, record, isAutomatic } = this.#work
    const told = await readForClaim(this.#work, this.#disk)
    this.#told = told
    this.#known.isUnsupported = told === null
    // What another node holds is refused in any case.
    const isHeld = told?.holder ? this.#isOthers(told.holder.key) : false
    if (!isAutomatic || this.#known.isRegistered || isHeld) return
    // What another node has registered beside it is left over.
    if (await confirmAgain(host, record, told, this.#disk, record.mark)) this.#known.hasReserved = true
  }

  async #register(): Promise<void> {
    const { host, record, note } = this.#work
    const { keys, holder, capabilities } = this.#told!
    // Before: the agent of the node that has it removes what is registered beside it.
    if (this.#isOthers(holder?.key) || (this.#isDisputed && keys.some((key) => this.#isOthers(key))))
      await this.#confirmTaking()
    if (this.#known.isRegistered) this.#known.conflicts++
    // Noted before: what is registered is known by its record, whenever this ends. It persists once that is seen.
    note({ fence: { key: this.#key, persists: false } })
    forgetRegistered(host, record.name)
    const { canPersist } = capabilities
    const isFree = holder === null && keys.length === 0
    const claimed = isFree ? await this.#claimAtOnce(canPersist) : null
    this.#persists = claimed ? claimed.persists : await this.#registerKey(canPersist)
    this.#told = claimed?.told ?? null
    this.#known.isRegistered = true
    if (this.#told?.holder?.key === this.#key) this.#known.hasReserved = true
  }

  async #reserve(): Promise<void> {
    const { host, steps } = this.#work
    const isDone = await steps.step('reserve', this.#disk.name, () => reserve(host, this.#disk, this.#key))
    if (isDone) this.#known.hasReserved = true
    else this.#known.conflicts++
    this.#told = null
  }

  async #preempt({ key: other }: Extract<ClaimStep, { kind: 'preempt' }>): Promise<void> {
    const { host, steps, taken } = this.#work
    const told = this.#told!
    const isTaken = this.#isOthers(other) && (told.holder?.key === other || this.#isDisputed)
    const who = registrantName(told, other)
    if (isTaken) {
      await this.#confirmTaking()
      steps.warn(`taking the volume over from ${who}: that node's unwritten data is lost`)
    } else if (this.#isOthers(other))
      steps.warn(`${who} is registered beside this node and could write; removing its registration`)
    const subject = `${this.#disk.name} ${formatKey(other)}`
    const isDone = await steps.step('preempt', subject, () => preempt(host, this.#disk, this.#key, other))
    if (!isDone) this.#known.conflicts++
    else if (isTaken) taken?.()
    if (isDone && told.holder?.key === other) this.#known.hasReserved = true
    this.#told = null
  }

  #done(): Registration {
    const { host, record, note } = this.#work
    const fence: Registration = { key: this.#key, persists: this.#persists }
    note({ fence })
    noteRegistered(host, record.name, this.#key, this.#disk.sid)
    return fence
  }

  /**
   * Takes back what was registered. Where no person has asked, the record keeps the key: the volume is not this
   * node's any more, also once the other node has given it back.
   * @returns why the volume is not to be had
   */
  async #withdrawn(step: ClaimRefusal): Promise<Error> {
    const isKnown = this.#known.isRegistered || (this.#told?.keys.includes(this.#key) ?? false)
    const left = isKnown ? await this.#leftKey() : undefined
    const { record, isAutomatic, note } = this.#work
    note({ fence: left ?? (isAutomatic ? record.fence : undefined) })
    // A key of other software beside this node's reservation does not mean that the volume is lost.
    const isLost = isAutomatic && step.kind !== 'contended' && this.#isOthers(this.#told?.holder?.key)
    return isLost ? lostMeanwhile(record, step, this.#told) : claimRefusal(record, step, this.#told)
  }

  /** Takes this node's key back. @returns it, if the target could not be told */
  async #leftKey(): Promise<Registration | undefined> {
    const { host, record } = this.#work
    const fence = { key: this.#key, persists: this.#persists }
    return (await giveUpKey(host, record, fence, this.#disk)) ? undefined : fence
  }

  /** Before the first act that takes the volume from another node: refuses if the attach would fail, or is no longer allowed. */
  async #confirmTaking(): Promise<void> {
    if (this.#mayBeTaken) return
    const { host, record, paths, confirmTakeOver, note } = this.#work
    try {
      await refuseUnusable(host, record, paths[0]!)
      await confirmTakeOver?.()
    } catch (error) {
      const left = this.#known.isRegistered ? await this.#leftKey() : undefined
      note({ fence: left ?? record.fence })
      throw error
    }
    this.#mayBeTaken = true
  }

  #isOwn(key: ReservationKey): boolean {
    return isOfThisNode(this.#work.host, this.#told, key, this.#initiator)
  }

  #isOthers(key: ReservationKey | undefined): boolean {
    return key !== undefined && key !== this.#key && !this.#isOwn(key)
  }

  /** Its own reservation may be stale: the node that is registered beside it may have the volume. */
  get #isDisputed(): boolean {
    return this.#told !== null && this.#told.holder !== null && !this.#known.hasReserved
  }

  /** Both steps in one call, where no node has the volume. @returns as {@link claimFree} */
  #claimAtOnce(canPersist: boolean): ReturnType<typeof claimFree> {
    const { host, steps } = this.#work
    const { name } = this.#disk
    return steps.step('register', `${name} ${formatKey(this.#key)}`, () =>
      steps.step('reserve', name, () => claimFree(host, this.#disk, this.#key, canPersist)),
    )
  }

  /** @returns as {@link registerKey}. A registration that the target refused is not one that this node has to give back. */
  async #registerKey(canPersist: boolean): Promise<boolean> {
    const { host, record, steps, note } = this.#work
    const key = this.#key
    try {
      return await steps.step('register', `${this.#disk.name} ${formatKey(key)}`, () =>
        registerKey(host, this.#disk, key, canPersist),
      )
    } catch (error) {
      const told = await askReservations(host, this.#disk)
      if (!record.fence && typeof told !== 'string' && !told.keys.includes(key)) note({ fence: undefined })
      throw error
    }
  }
}

/**
 * A node that cannot send the commands uses the volume without a guard, and says so; not one that has registered for it before,
 * nor one that would read what another node writes.
 */
export async function readForClaim(
  { host, record, steps }: ClaimWork,
  disk: Path['disk'],
): Promise<FullReservations | null> {
  try {
    return await readReservations(host, disk)
  } catch (error) {
    const isNeeded = record.fence !== undefined || record.request.use.readOnly
    if (isNeeded || !isLunkeeperError(error, 'MODULE_MISSING')) throw error
    steps.warn(`${error.message}: the volume is not reserved for this node (${error.hint})`)
    return null
  }
}

/** The key that this node had before, where it still has it: after a reboot. A volume that was published again has a new one. */
function keyFor(host: Host, { fence, publication }: Attachment): ReservationKey {
  const epoch = publication
    ? createHash('sha256').update(publication.uid).digest('hex').slice(0, 4)
    : (fence?.key.slice(-4) ?? randomBytes(2).toString('hex'))
  return makeKey(readNodeTag(host.paths), epoch)
}
