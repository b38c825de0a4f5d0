import type { Damage } from './damage.ts'
import type { DiskTopology } from './disk-topology.ts'
import type { OpenOutage } from './open-outage.ts'

/** Damage that the log attributes to several sessions alike. */
export interface SharedDamage {
  readonly damage: Damage
  readonly sessions: readonly number[]
}

/** The damage of an outage. */
export interface OutageDamage {
  readonly own: readonly Damage[]
  /** It belongs to this outage, or to that of another session. */
  readonly shared: readonly SharedDamage[]
}

/** Which outage caused which damage. */
export interface Settled {
  of(outage: OpenOutage): OutageDamage
  /** Damage that no outage can have caused, as later lines showed. */
  readonly others: readonly Damage[]
}

type Owners = Map<Damage, readonly OpenOutage[]>

/**
 * Decides which outages caused which damage, after the whole log was read. What a later line showed about a disk counts
 * for its earlier errors, too: to which session it belongs, or that it is not an iSCSI disk. Each session has a SCSI host
 * of its own, so disks of different hosts belong to different sessions.
 */
export function settle(outages: readonly OpenOutage[], disks: DiskTopology): Settled {
  const all = [...new Set(outages.flatMap(({ damage }) => [...damage]))]
  const owners: Owners = new Map(all.map((damage) => [damage, knownOwners(damage, disks)]))
  withdrawContradictions(owners, disks)
  const { ofHost, ofDisk } = claims(owners, disks)
  for (const [damage, candidates] of owners) {
    if (candidates.length < 2) continue
    const host = hostOf(damage, disks)
    const byHost =
      host === null ? candidates : candidates.filter(({ session }) => fits(ofHost, session, host))
    const byDisk = candidates.filter(({ session }) => ofDisk.get(nameOf(damage))?.has(session) === true)
    const left = byHost.length === 1 ? byHost : byDisk.length === 1 ? byDisk : byHost
    if (left.length > 0) owners.set(damage, left)
  }
  return {
    of: (outage) => damageOf(outage, owners),
    others: all.filter((damage) => owners.get(damage)!.length === 0),
  }
}

/** The suspects that are left when the sessions of the disk are known by now. */
function knownOwners(damage: Damage, disks: DiskTopology): readonly OpenOutage[] {
  if (damage.isCertain || disks.generationOf(damage.disk) !== damage.generation) return damage.suspects
  const sessions =
    disks.sessionsOf(damage.disk) ?? (damage.address === null ? null : disks.sessionsAt(damage.address))
  return sessions === null
    ? damage.suspects
    : damage.possible.filter(({ session }) => sessions.includes(session))
}

/**
 * If disks of several hosts are attributed to one session because of the time alone, the time is not sufficient: each of
 * them is attributed to all outages of that time.
 */
function withdrawContradictions(owners: Owners, disks: DiskTopology): void {
  const { ofHost } = claims(owners, disks)
  for (const [damage, [owner, ...others]] of owners)
    if (owner && others.length === 0 && !damage.isCertain && (ofHost.get(owner.session)?.size ?? 0) > 1)
      owners.set(damage, damage.possible.length > 1 ? damage.possible : damage.suspects)
}

/** The hosts of each session, and the sessions of each disk, that the damage with one owner shows. */
function claims(owners: Owners, disks: DiskTopology) {
  const ofHost = new Map<number, Set<number>>()
  const ofDisk = new Map<string, Set<number>>()
  for (const [damage, [owner, ...others]] of owners) {
    if (!owner || others.length > 0) continue
    const host = hostOf(damage, disks)
    if (host !== null) ofHost.set(owner.session, (ofHost.get(owner.session) ?? new Set()).add(host))
    ofDisk.set(nameOf(damage), (ofDisk.get(nameOf(damage)) ?? new Set()).add(owner.session))
  }
  return { ofHost, ofDisk }
}

/** Whether a session can have a host: it is known to have it, or no host of it is known, or no other session has it. */
function fits(ofHost: ReadonlyMap<number, ReadonlySet<number>>, session: number, host: number): boolean {
  const own = ofHost.get(session)
  if (own) return own.has(host)
  return ![...ofHost.values()].some((hosts) => hosts.has(host))
}

function hostOf({ address }: Damage, disks: DiskTopology): number | null {
  return address === null ? null : disks.sessionHostOf(address)
}

function nameOf({ disk, generation }: Damage): string {
  return `${disk} ${generation}`
}

function damageOf(outage: OpenOutage, owners: Owners): OutageDamage {
  const mine = [...outage.damage].filter((damage) => owners.get(damage)!.includes(outage))
  return {
    own: mine.filter((damage) => owners.get(damage)!.length === 1),
    shared: mine
      .filter((damage) => owners.get(damage)!.length > 1)
      .map((damage) => ({
        damage,
        sessions: owners
          .get(damage)!
          .map(({ session }) => session)
          .toSorted((a, b) => a - b),
      })),
  }
}
