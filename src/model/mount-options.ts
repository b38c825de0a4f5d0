/**
 * Splits a comma-separated list of options unchanged, including empty ones. A comma between double quotes is part of
 * its option, as in `context="system_u:object_r:data_t:s0:c10,c23"` (mount(8)); the quotes are kept because mount(8)
 * needs them.
 */
export function splitMountOptions(text: string): string[] {
  // A comma followed by an even number of quotes.
  return text.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
}

/** Whether every quote is closed: joined with other options, an open quote would hide what follows it. */
export function isQuotedWell(option: string): boolean {
  return (option.match(/"/g) ?? []).length % 2 === 0
}
