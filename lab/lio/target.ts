import type { Wire } from '../machine/wire.ts'

/** CHAP as in RFC 7143: LIO has no limit of 12 characters, but iscsid refuses passwords longer than 255. */
export interface Chap {
  user: string
  password: string
}

export interface Acl {
  /** IQN of the initiator that may log in */
  initiator: string
  chap?: Chap
  mutual?: Chap
}

export interface TargetOptions {
  /** @default a new one */
  iqn?: string
  /** `127.0.0.1:3260`, `[::1]:3260`, …; the addresses must be the machine's (127.0.0.0/8 and ::1 always are). @default ['127.0.0.1:3260'] */
  portals?: readonly string[]
  /** the credentials of an initiator; without `acls` they apply to every initiator */
  chap?: Chap
  /** the credentials with which the target authenticates itself to the initiator */
  mutual?: Chap
  /** only these initiators may log in; without it, all may */
  acls?: readonly Acl[]
  /** make every LUN read-only (without `acls`; with them, set it for each LUN) */
  writeProtect?: boolean
}

export interface LunOptions {
  /** VPD page 0x80 and, by LIO's rule, the NAA id of page 0x83: `6001405` + the serial's hex digits. @default LIO's random one */
  serial?: string
  /** @default 64 MiB */
  bytes?: number
  /** name of the backstore; the same name in a later `map` maps the same volume again. @default a new one */
  name?: string
  /** directory of its file: /lab/share outlives the machine. @default '/dev/shm/luns' */
  dir?: string
  /** write-back cache, as the initiator sees it (WCE). @default false */
  writeCache?: boolean
  /** only with `acls` */
  readOnly?: boolean
  /**
   * Restores the registrations that LIO has kept in /etc/target/pr (APTPL), as targetcli does at boot. Does nothing
   * if there is no file for this serial.
   * @default false
   */
  restoreRegistrations?: boolean
}

export interface Lun {
  readonly lun: number
  readonly name: string
  /** in the guest */
  readonly file: string
  readonly bytes: number
}

let made = 0

/** An iSCSI target of a machine's kernel. */
export class Target {
  readonly iqn: string
  readonly portals: readonly string[]
  readonly #wire: Wire
  readonly #luns = new Map<number, Lun>()

  constructor(iqn: string, portals: readonly string[], wire: Wire) {
    this.iqn = iqn
    this.portals = portals
    this.#wire = wire
  }

  get luns(): readonly Lun[] {
    return [...this.#luns.values()]
  }

  /** Maps a volume at a LUN: a new one, or the one whose backstore is called `name`. */
  async map(lun: number, options: LunOptions = {}): Promise<Lun> {
    return (await this.mapMany([{ lun, ...options }]))[0]!
  }

  /** Maps many in one call: 256 take about a second. */
  async mapMany(luns: readonly ({ lun: number } & LunOptions)[]): Promise<Lun[]> {
    const full = luns.map(
      ({ lun, name = `v${process.pid}-${++made}`, dir = '/dev/shm/luns', bytes = 64 << 20, ...rest }) => ({
        lun,
        name,
        file: `${dir}/${name}`,
        bytes,
        ...rest,
      }),
    )
    await this.#wire.call('lio.map', { iqn: this.iqn, luns: full })
    return full.map(({ lun, name, file, bytes }) => {
      const made: Lun = { lun, name, file, bytes }
      this.#luns.set(lun, made)
      return made
    })
  }

  /** Unmaps LUNs. Their backstores are removed as well, unless `keep` is set: then the same `name` can be mapped again. */
  async unmap(luns: number | readonly number[], { keep = false, removeFile = false } = {}): Promise<void> {
    const list = [luns].flat()
    await this.#wire.call('lio.unmap', { iqn: this.iqn, luns: list, keepStore: keep, removeFile })
    for (const lun of list) this.#luns.delete(lun)
  }

  /** Changes a volume's size; the initiator reads it the next time it asks. */
  async resize(lun: number, bytes: number): Promise<void> {
    const found = this.#lun(lun)
    await this.#wire.call('lio.resize', { name: found.name, file: found.file, bytes })
    this.#luns.set(lun, { ...found, bytes })
  }

  /** From now on the volume answers like one of an array without persistent reservations. */
  async disableReservations(lun: number): Promise<void> {
    await this.#wire.call('lio.reservations', { name: this.#lun(lun).name, on: false })
  }

  /** Closes every connection and refuses new logins: an outage that the initiator notices at once. */
  disable(): Promise<void> {
    return this.#wire.call('lio.enable', { iqn: this.iqn, on: false })
  }

  enable(): Promise<void> {
    return this.#wire.call('lio.enable', { iqn: this.iqn, on: true })
  }

  addPortal(portal: string): Promise<void> {
    return this.#wire.call('lio.portal', { iqn: this.iqn, portal, on: true })
  }

  removePortal(portal: string): Promise<void> {
    return this.#wire.call('lio.portal', { iqn: this.iqn, portal, on: false })
  }

  /** Changes the CHAP credentials that apply to every initiator; without `chap`, none are required from now on. */
  credentials(options: { chap?: Chap; mutual?: Chap }): Promise<void> {
    return this.#wire.call('lio.credentials', { iqn: this.iqn, ...options })
  }

  /** sha256 of a volume's file on the target: proves that not a single byte was written */
  hash(lun: number): Promise<string> {
    return this.#wire.call('hash', { path: this.#lun(lun).file })
  }

  /** bytes of a volume's file on the target */
  async bytes(lun: number, offset: number, length: number): Promise<Buffer> {
    return Buffer.from(
      await this.#wire.call<string>('readSome', { path: this.#lun(lun).file, offset, length }),
      'base64',
    )
  }

  /** Removes the target and its backstores; the files stay unless requested otherwise. */
  async remove({ removeFiles = false } = {}): Promise<void> {
    await this.#wire.call('lio.remove', { iqn: this.iqn, removeFiles })
    this.#luns.clear()
  }

  #lun(lun: number): Lun {
    const found = this.#luns.get(lun)
    if (!found) throw new Error(`${this.iqn} has no LUN ${lun}`)
    return found
  }
}
