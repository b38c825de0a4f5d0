import type { ExpectedIdentity, Identity } from '../../../../src/model/identity.ts'
import { identityDifference } from '../../../../src/model/identity.ts'
import { nextPathStep } from '../../../../src/model/plan/path.ts'
import type { Begun, UseFacts } from '../../../../src/model/plan/use.ts'
import { nextUseStep } from '../../../../src/model/plan/use.ts'
import type { Mount, ScsiDisk } from '../../../../src/model/snapshot.ts'
import { A, B, disk, identity, session } from './facts.ts'

const WWIDS = { A, B }
type VolumeId = keyof typeof WWIDS

/** What is on a volume. `written`: data without a known signature. */
export type Content = 'blank' | 'written' | 'half-made' | { readonly uuid: string; readonly half?: boolean }

/** External events between two steps, or events that affect the step itself. */
export const EVENTS = [
  'quiet',
  'quiet',
  'quiet',
  'remap',
  'unmap',
  'grow',
  'session-lost',
  'session-back',
  'session-gone',
  'portal-away',
  'portal-back',
  'disk-deleted',
  'scanned',
  'sd-is-slow',
  'fails',
  'fails-after',
  'killed',
  'killed-after',
  'killed-halfway',
  'rebooted',
] as const
export type Event = (typeof EVENTS)[number]

class StepFailed extends Error {}

/** A disk of the fake kernel: what the kernel believes, fixed when the disk was created. */
interface FakeDisk {
  readonly object: number
  readonly believes: VolumeId
  named: boolean
}

/**
 * A node, its kernel and its target with two volumes behind one LUN, and attach as in src/volumes/attach: the
 * planners decide, this class acts. What a planner must never do throws an error that no run catches.
 */
export class FakeNode {
  // The target.
  mapped: VolumeId | null = 'A'
  reachable = true
  readonly volumes: Record<VolumeId, { content: Content; bytes: number; formats: number }>
  // The kernel.
  session: 'LOGGED_IN' | 'FAILED' | null = null
  disk: FakeDisk | null = null
  mounted: { object: number; volume: VolumeId } | null = null
  // The record: only this outlives a crash.
  learned: Identity | null = null
  formatting: { uuid: string } | null = null
  /** The note of a format that has begun; it belongs to one volume. */
  begun: { of: VolumeId; begun: Begun } | null = null

  readonly use: UseFacts['use']
  readonly asked: ExpectedIdentity
  /** What was done, for the report of a failure. */
  readonly log: string[] = []
  changes = 0
  #objects = 0
  #slowSd = false

  constructor(options: { contents: Record<VolumeId, Content>; format: boolean; expected: VolumeId | null }) {
    this.volumes = {
      A: { content: options.contents.A, bytes: 1 << 20, formats: 0 },
      B: { content: options.contents.B, bytes: 1 << 20, formats: 0 },
    }
    this.use = { mount: '/mnt/x', fs: null, format: options.format, readOnly: false, options: [] }
    this.asked = options.expected ? { wwid: WWIDS[options.expected] } : {}
  }

  /** One attach: how it ended. `events` are used up from the front; once none are left, all is quiet. */
  attach(events: Event[]): string {
    try {
      this.#preparePath(events)
      return this.#prepareUse(events)
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error
      return error.message
    } finally {
      this.log.push('--')
    }
  }

  get expected(): ExpectedIdentity {
    return {
      wwid: this.asked.wwid ?? this.learned?.wwid,
      serial: this.learned?.serial,
      bytes: this.learned?.bytes,
    }
  }

  #preparePath(events: Event[]): void {
    const known = { reached: false, loggedIn: false, timersSet: false, scans: 0, drops: 0, sizeAsked: false }
    let seen = null as { object: number; identity: Identity } | null
    for (let steps = 0; ; steps++) {
      if (steps > 40) throw new Error('it does not come to an end')
      const { object } = this.disk ?? {}
      if (seen?.object !== object) seen = null
      const facts = {
        session: this.session && { ...session, state: this.session },
        disk: this.#shownDisk(),
        ...known,
        isReplaceable: false,
        waited: false,
        identity: seen?.identity ?? null,
        expected: this.expected,
      }
      const step = nextPathStep(facts)
      this.log.push(step)
      switch (step) {
        case 'ready':
          this.#mustBeRight(seen)
          // From here on nothing comes from outside: no planner can notice a LUN that changes within these
          // milliseconds.
          events.splice(0, events.length, ...events.filter((event) => /^(fails|killed)/.test(event)))
          if (!this.learned) this.#do(events, () => (this.learned = seen!.identity))
          return
        case 'mismatch':
        case 'away':
        case 'lun-absent':
        case 'unidentified':
        case 'no-size':
        // Its sessions are on no hold map.
        case 'await-login':
        case 'log-out':
          throw new StepFailed(step)
        case 'read-size':
          this.#do(events, () => (known.sizeAsked = true))
          break
        case 'reach':
          this.#do(events, () => {
            if (!this.reachable) throw new StepFailed('unreachable')
            known.reached = true
          })
          break
        case 'login':
          this.#do(events, () => {
            if (!this.reachable) throw new StepFailed('unreachable')
            this.#mustNot(this.session !== null && known.loggedIn, 'logged in twice')
            this.session ??= 'LOGGED_IN'
            this.changes++
            known.loggedIn = true
          })
          break
        case 'set-timers':
          this.#do(events, () => (known.timersSet = true))
          break
        case 'scan':
          this.#do(events, () => {
            this.#scan()
            known.scans++
          })
          break
        case 'appear':
          this.#do(events, () => {
            if (this.disk) this.disk.named = true
          })
          break
        case 'identify':
          this.#do(events, () => {
            if (!this.disk || this.session !== 'LOGGED_IN') throw new StepFailed('away')
            seen = { object: this.disk.object, identity: this.#answer() }
          })
          break
        case 'drop-stale-disk':
          this.#mustNot(
            identityDifference(seen!.identity, this.expected) !== null,
            'dropped for a foreign volume',
          )
          this.#mustNot(seen?.object !== this.disk?.object, 'dropped a disk that it had not asked')
          this.#do(events, () => {
            if (this.mounted && this.mounted.object === this.disk?.object)
              throw new StepFailed('stale-and-busy')
            this.disk = null
            this.changes++
            known.drops++
          })
          break
      }
    }
  }

  #mustBeRight(seen: { object: number; identity: Identity } | null): void {
    this.#mustNot(seen === null || seen.object !== this.disk?.object, 'ready on a disk that it had not asked')
    this.#mustNot(identityDifference(seen!.identity, this.expected) !== null, 'ready on a foreign volume')
    this.#mustNot(seen!.identity.wwid !== WWIDS[this.disk!.believes], 'ready on a stale disk')
    this.#mustNot(!this.disk!.named, 'ready without a device')
  }

  #prepareUse(events: Event[]): string {
    const disk = this.disk!
    const volume = disk.believes
    const known = {
      content: null as UseFacts['content'],
      blank: null as boolean | null,
      whole: null as boolean | null,
      checked: false,
      directory: false,
      formatted: false,
      mounted: false,
    }
    for (let steps = 0; ; steps++) {
      if (steps > 20) throw new Error('it does not come to an end')
      const mount = this.#mount(disk)
      const begun = this.begun?.of === volume ? this.begun.begun : null
      const step = nextUseStep({
        begun,
        use: this.use,
        mounts: mount ? [mount] : [],
        atPoint: mount,
        formatting: this.formatting,
        ...known,
      })
      this.log.push(step.kind)
      switch (step.kind) {
        case 'done':
          this.#mustNot(this.mounted?.volume !== volume, 'mounted another volume')
          return `mounted ${volume}`
        case 'refuse':
          return step.code
        case 'look':
          this.#do(events, () => (known.content = this.#signature(volume)))
          break
        case 'look-closer':
          this.#do(events, () => (known.blank = this.volumes[volume].content === 'blank'))
          break
        case 'plan-format':
          this.#do(events, () => (this.formatting = { uuid: begun?.uuid ?? `made-${this.log.length}` }))
          break
        case 'inspect':
          this.#do(events, () => (known.whole = !this.#isHalf(volume)))
          break
        case 'end-format':
          this.#mustNot(this.#isHalf(volume), 'took a half-made file system for a whole one')
          this.#do(events, () => {
            this.formatting = { uuid: begun!.uuid }
            this.begun = null
          })
          break
        case 'format':
          this.#mustNot(
            known.blank !== true && begun === null,
            'formatted what this run had not proven blank',
          )
          if (events[0] === 'killed-halfway') {
            this.#beginFormat(volume, begun)
            this.volumes[volume].content =
              this.log.length % 2 === 0 ? 'half-made' : { ...this.formatting!, half: true }
          }
          this.#do(events, () => {
            this.#beginFormat(volume, begun)
            this.#mustNot(++this.volumes[volume].formats > 1, 'formatted twice')
            this.volumes[volume].content = this.formatting!
            this.begun = null
            this.changes++
            known.content = null
            known.blank = null
            known.formatted = true
          })
          break
        case 'check':
          this.#do(events, () => (known.checked = true))
          break
        case 'make-mount-point':
          this.#do(events, () => (known.directory = true))
          break
        case 'mount':
          this.#mustNot(this.#isHalf(volume), 'mounted a half-made file system')
          this.#mustNot(typeof this.volumes[volume].content !== 'object', 'mounted what has no file system')
          this.#do(events, () => {
            this.#mustNot(this.mounted !== null, 'mounted twice')
            this.mounted = { object: disk.object, volume }
            this.changes++
            known.mounted = true
          })
          break
      }
    }
  }

  /** One step with the events around it. */
  #do(events: Event[], act: () => unknown): void {
    const event = events.shift() ?? 'quiet'
    if (event !== 'quiet') this.log.push(`(${event})`)
    if (event === 'fails' || event === 'killed' || event === 'killed-halfway') throw new StepFailed(event)
    this.happen(event)
    act()
    if (event === 'fails-after' || event === 'killed-after') throw new StepFailed(event)
  }

  happen(event: Event): void {
    if (event === 'remap') this.mapped = this.mapped === 'A' ? 'B' : 'A'
    else if (event === 'unmap') this.mapped = null
    else if (event === 'grow') this.volumes.A.bytes *= 2
    else if (event === 'session-lost' && this.session) this.session = 'FAILED'
    else if (event === 'session-back' && this.session && this.reachable) this.session = 'LOGGED_IN'
    else if (event === 'session-gone') this.#endSession()
    else if (event === 'portal-away') this.reachable = false
    else if (event === 'portal-back') this.reachable = true
    else if (event === 'disk-deleted' && !this.mounted) this.disk = null
    else if (event === 'scanned') this.#scan()
    else if (event === 'rebooted') this.#reboot()
    else if (event === 'sd-is-slow') this.#slowSd = true
  }

  // A logout removes the disk, and a mount of it prevents the logout.
  #endSession(): void {
    if (this.mounted) return
    this.session = null
    this.disk = null
  }

  #beginFormat(volume: VolumeId, begun: Begun | null): void {
    const isLeftOver = begun?.isRecent === true && this.#isHalf(volume)
    this.#mustNot(this.volumes[volume].content !== 'blank' && !isLeftOver, 'formatted over something')
    const { uuid } = this.formatting!
    if (!isLeftOver) this.begun = { of: volume, begun: { fs: 'ext4', uuid, at: 'then', isRecent: true } }
  }

  #reboot(): void {
    if (this.begun) this.begun = { ...this.begun, begun: { ...this.begun.begun, isRecent: false } }
  }

  #isHalf(volume: VolumeId): boolean {
    const { content } = this.volumes[volume]
    return content === 'half-made' || (typeof content === 'object' && content.half === true)
  }

  #scan(): void {
    if (this.disk || this.session !== 'LOGGED_IN' || !this.mapped) return
    this.disk = { object: ++this.#objects, believes: this.mapped, named: !this.#slowSd }
    this.#slowSd = false
    this.changes++
  }

  #answer(): Identity {
    if (!this.mapped) throw new StepFailed('lun-absent')
    return identity(WWIDS[this.mapped], this.volumes[this.mapped].bytes)
  }

  #shownDisk(): ScsiDisk | null {
    if (!this.disk) return null
    const shown = disk(WWIDS[this.disk.believes])
    return this.disk.named ? shown : { ...shown, name: null, devno: null }
  }

  #signature(volume: VolumeId): { type: string | null; uuid: string | null } {
    const { content } = this.volumes[volume]
    return typeof content === 'object' ? { type: 'ext4', uuid: content.uuid } : { type: null, uuid: null }
  }

  #mount(disk: FakeDisk): Mount | null {
    if (this.mounted?.object !== disk.object) return null
    return {
      devno: '8:16',
      point: '/mnt/x',
      root: '/',
      fs: 'ext4',
      source: '/dev/sdb',
      options: ['rw'],
      superOptions: ['rw'],
    }
  }

  #mustNot(wrong: boolean, what: string): void {
    if (wrong) throw new Error(`it ${what}`)
  }
}
