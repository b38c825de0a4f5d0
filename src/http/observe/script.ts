/** The observer's module: beside the bundled program, or the source if Node.js runs the sources. */
export const OBSERVER_SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './main.ts' : './observer.js',
  import.meta.url,
)

/** The argument that starts the single-file program as an observer (src/cli/single.ts). */
export const OBSERVER_ARGUMENT = 'observer'
