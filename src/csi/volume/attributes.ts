import { LunkeeperError } from '../../model/errors.ts'
import { parseHold } from '../../model/hold.ts'
import type { Iqn } from '../../model/iqn.ts'
import { parseIqn } from '../../model/iqn.ts'
import type { Lun } from '../../model/lun.ts'
import { parseLun } from '../../model/lun.ts'
import type { Portal } from '../../model/portal.ts'
import { parsePortal } from '../../model/portal.ts'
import type { VolumeRequest } from '../../model/request.ts'
import { parseWwid } from '../../model/wwid.ts'

/** The target, LUN and identity that the `volumeAttributes` of a PersistentVolume describe. */
export interface VolumeSource {
  readonly iqn: Iqn
  readonly portals: readonly Portal[]
  readonly lun: Lun
  readonly expected: VolumeRequest['expected']
  readonly hold: VolumeRequest['hold']
  /** `off`: no persistent reservation. */
  readonly fence: 'auto' | 'off'
  /** Warnings for the author of the attributes. */
  readonly warnings: readonly string[]
}

/**
 * The keys of `iscsi.csi.k8s.io`, so that its volumes work unchanged, and four of our own. Keys that have no effect here, such
 * as those for discovery, are listed so that they cause no warning.
 */
const KNOWN = new Set([
  'targetPortal',
  'portals',
  'iqn',
  'lun',
  'iscsiInterface',
  'initiatorName',
  'discovery',
  'discoveryCHAPAuth',
  'sessionCHAPAuth',
  'secret',
  'wwid',
  'serial',
  'hold',
  'fence',
])

/** @throws BAD_REQUEST BAD_IQN BAD_PORTAL BAD_LUN BAD_WWID BAD_HOLD */
export function parseAttributes(attributes: Readonly<Record<string, string>>): VolumeSource {
  const value = (key: string) => attributes[key]?.trim() || null
  const required = (key: string) => value(key) ?? missing(key)
  const wwid = value('wwid')
  const hold = value('hold')
  const fence = value('fence') ?? 'auto'
  if (fence !== 'auto' && fence !== 'off')
    throw new LunkeeperError('BAD_REQUEST', `The volume attribute fence is "${fence}"`, {
      hint: 'Valid values: auto, or off for no persistent reservation.',
    })
  const iface = value('iscsiInterface')
  if (iface !== null && iface !== 'default')
    throw new LunkeeperError('BAD_REQUEST', `The volume attribute iscsiInterface is "${iface}"`, {
      hint: 'Sessions use TCP through the default interface; leave the attribute out.',
    })
  const portals = [value('targetPortal') ?? [], listOf(value('portals'))].flat()
  if (portals.length === 0) missing('targetPortal')
  return {
    iqn: parseIqn(required('iqn')),
    portals: portals.map(parsePortal),
    lun: parseLun(required('lun')),
    expected: { wwid: wwid === null ? null : parseWwid(wwid), serial: value('serial') },
    hold: { wanted: hold === null ? null : parseHold(hold), mode: null },
    fence,
    warnings: warningsOf(attributes),
  }
}

function missing(key: string): never {
  throw new LunkeeperError('BAD_REQUEST', `The volume attribute ${key} is missing`, {
    hint: 'A volume requires targetPortal, iqn and lun in its volumeAttributes.',
  })
}

/** `["10.0.0.2:3260"]`, as for the old driver; a comma-separated list is also accepted. */
function listOf(text: string | null): string[] {
  if (text === null) return []
  if (!text.startsWith('[')) return text.split(/[\s,]+/).filter((portal) => portal !== '')
  try {
    const list = JSON.parse(text) as unknown
    if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list
  } catch {
    // Reported below.
  }
  throw new LunkeeperError('BAD_REQUEST', 'The volume attribute portals is not a JSON array of strings', {
    hint: 'Example: ["10.0.0.2:3260","10.0.1.2:3260"]',
  })
}

function warningsOf(attributes: Readonly<Record<string, string>>): string[] {
  // Kubernetes adds keys of its own, which have a prefix with a slash.
  const unknown = Object.keys(attributes).filter((key) => !KNOWN.has(key) && !key.includes('/'))
  return [
    ...unknown.map((key) => `the volume attribute ${key} is unknown and has no effect`),
    ...(attributes['initiatorName']
      ? ["the volume attribute initiatorName has no effect: sessions use the node's own name"]
      : []),
    ...(attributes['secret']
      ? ['its CHAP secret is in its volume attributes, which many users can read: use nodeStageSecretRef']
      : []),
  ]
}
