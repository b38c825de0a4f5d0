import type { Branded } from './brand.ts'
import { LunkeeperError } from './errors.ts'

/** An iSCSI name of a target or an initiator. */
export type Iqn = Branded<string, 'Iqn'>

// RFC 3720 section 3.2.6: at most 223 bytes; iqn with a date and a reversed domain, eui with 16 hexadecimal digits, naa
// (RFC 3980) with 16 or 32. RFC 3722 folds to lower case; some targets break the rule, and open-iscsi compares names
// byte by byte, so case is kept.
const IQN = /^iqn\.\d{4}-(0[1-9]|1[0-2])\.[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[^\s/,\p{Cc}]+)?$/iu
const EUI = /^eui\.[0-9a-f]{16}$/i
const NAA = /^naa\.(?:[0-9a-f]{16}|[0-9a-f]{32})$/i

/** iqn., eui. or naa., as RFC 7143 defines them. @throws BAD_IQN */
export function parseIqn(text: string): Iqn {
  const reason =
    Buffer.byteLength(text) > 223
      ? 'it is longer than 223 bytes'
      : IQN.test(text) || EUI.test(text) || NAA.test(text)
        ? null
        : 'its format is not valid'
  if (reason) throw new LunkeeperError('BAD_IQN', `"${text}" is not an iSCSI name: ${reason}`)
  return text as Iqn
}
