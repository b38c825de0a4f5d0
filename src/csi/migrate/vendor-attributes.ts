import type { Note } from './persistent-volume.ts'

type Attributes = Readonly<Record<string, string>>

/**
 * Attribute names, in lower case and without `_` and `-`, by which drivers identify a LUN: democratic-csi (also for
 * TrueNAS: portal, portals, iqn, lun) in the volume; HPE (targetNames, lunId, discoveryIps) and Dell (PORTAL0, TARGET0,
 * LUN_ADDRESS) in the attachment, as their node services read them.
 */
const PORTAL = /^(?:target|iscsi)?portal\d*$/
const PORTALS = /^(?:(?:target|iscsi)?portals|discoveryips?|iscsiportals)$/
const IQN = /^(?:iqn|targetiqns?|targetnames?|target\d+|iscsiiqn)$/
const LUN = /^(?:lun|lunid|targetlun|mappedlun|lunaddress)$/
const PROTOCOL = /^(?:protocol|accessprotocol|nodeattachdriver|transport|transportprotocol)$/

/**
 * Our attributes for those of another driver; null if they do not have all of portal, IQN and LUN.
 * @param given of the volume, and of each of its attachments (VolumeAttachment: status.attachmentMetadata)
 */
export function vendorAttributes(given: readonly Attributes[], note: Note): Record<string, string> | null {
  const values = (pattern: RegExp) =>
    given
      .flatMap((attributes) => Object.entries(attributes))
      .filter(([key]) => pattern.test(key.toLowerCase().replace(/[_-]/g, '')))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, value]) => listed(value))
  const unique = (...lists: string[][]) => [...new Set(lists.flat())]
  const protocol = values(PROTOCOL)[0]
  if (protocol !== undefined && !/iscsi/i.test(protocol)) {
    note(`it is attached by ${protocol}, not by iSCSI`)
    return null
  }
  const portals = unique(values(PORTAL), values(PORTALS))
  const iqns = unique(values(IQN))
  const luns = unique(values(LUN))
  const missing = [
    portals.length === 0 ? 'portal' : [],
    iqns.length === 0 ? 'IQN' : [],
    luns.length === 0 ? 'LUN' : [],
  ].flat()
  if (missing.length > 0) {
    note(
      `its volumeAttributes have no ${missing.join(', no ')}, because its driver asks the array at each attach. Add the VolumeAttachments of running pods to the input (kubectl get pv,volumeattachments -o yaml), or look up portal, IQN and LUN on the array`,
    )
    return null
  }
  if (iqns.length > 1 || luns.length > 1) {
    note(
      `its attributes name ${iqns.length} targets and ${luns.length} LUNs; a volume must have exactly one of each`,
    )
    return null
  }
  const [targetPortal, ...more] = portals
  return {
    targetPortal: targetPortal!,
    ...(more.length > 0 ? { portals: JSON.stringify(more) } : {}),
    iqn: iqns[0]!,
    lun: luns[0]!,
  }
}

/** A JSON array, or a list separated by commas. */
function listed(value: string): string[] {
  try {
    const list = JSON.parse(value) as unknown
    if (Array.isArray(list)) return list.map(String)
  } catch {
    // A plain text.
  }
  return value.split(/[\s,]+/).filter((part) => part !== '')
}
