/** The observer's module: beside the bundled program; the source itself if Node runs TypeScript. */
export const OBSERVER_SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './main.ts' : './observer.js',
  import.meta.url,
)

/** The word that makes an observer of the single-file program (src/cli/single.ts). */
export const OBSERVER_ARGUMENT = 'observer'
