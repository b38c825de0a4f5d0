/** The package that this file, or the program built from it, belongs to; a directory, so it ends with a slash. */
export const packageRoot = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? '../../' : '../', import.meta.url)
