/**
 * Splits a comma-separated list of options unchanged, including empty ones. A comma between double quotes is part of
 * its option, as in `context="system_u:object_r:data_t:s0:c10,c23"` (mount(8)); the quotes are kept because mount(8)
 * needs them.
 */
export function splitMountOptions(text: string): string[] {
  const options: string[] = []
  // A comma is a separator if an even number of quotes follows it. If the number is odd, the first of them is not
  // an opening quote.
  let isQuoted = !isQuotedWell(text)
  let from = 0
  for (const { 0: mark, index } of text.matchAll(/[",]/g)) {
    if (mark === '"') isQuoted = !isQuoted
    else if (!isQuoted) {
      options.push(text.slice(from, index))
      from = index + 1
    }
  }
  options.push(text.slice(from))
  return options
}

/** Whether every quote is closed: once joined with other options, an open quote would hide what follows it. */
export function isQuotedWell(option: string): boolean {
  return (option.match(/"/g) ?? []).length % 2 === 0
}
