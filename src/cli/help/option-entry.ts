import type { Option } from '../command.ts'
import type { Entry } from './page.ts'

/** `-f, --file FILE` and its description. */
export function optionEntry({ name, short, value, repeated, help }: Option): Entry {
  const flag = `${short ? `-${short}, ` : ''}--${name}${value === undefined ? '' : ` ${value}`}`
  return [flag, repeated ? `${help} May be repeated.` : help]
}
