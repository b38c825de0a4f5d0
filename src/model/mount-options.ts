/**
 * The options of a list with commas, as they stand there, empty ones included. A comma between double quotes is part of its
 * option, as in `context="system_u:object_r:data_t:s0:c10,c23"` (mount(8)); the quotes stay, because mount(8) needs them.
 */
export function splitMountOptions(text: string): string[] {
  // A comma that an even number of quotes follows.
  return text.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
}

/** Whether every quote is closed: joined with others, an open one would hide what comes after it. */
export function isQuotedWell(option: string): boolean {
  return (option.match(/"/g) ?? []).length % 2 === 0
}
