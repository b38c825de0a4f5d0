import type { Option } from '../command.ts'
import type { HelpEntry } from './page.ts'

/** The help entry of a flag: `-f, --file FILE` and its description. */
export function optionEntry({ name, short, value, optional, repeated, help }: Option): HelpEntry {
  const shown = value === undefined ? '' : optional ? ` [${value}]` : ` ${value}`
  const flag = `${short ? `-${short}, ` : ''}--${name}${shown}`
  return [flag, repeated ? `${help} May be repeated.` : help]
}
