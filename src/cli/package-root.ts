/** The root directory of the package, which contains this file or the program built from it. Ends with a slash. */
export const packageRoot = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? '../../' : '../', import.meta.url)
