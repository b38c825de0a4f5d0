/** The Debian of the Dockerfile's base. */
export const DEBIAN = 'bookworm'

/**
 * What the agent runs in its container: a shell for bin/lunkeeper, coreutils, nsenter and flock of util-linux; what
 * Node is linked with. Dependencies are added automatically.
 */
export const PACKAGES: readonly string[] = [
  'base-files',
  'base-passwd',
  'dash',
  'coreutils',
  'debianutils',
  'libc-bin',
  'util-linux',
  'libstdc++6',
]

/** Left out: of /usr/share/doc only what licences are, which must go with the programs. */
export const LEFT: readonly string[] = [
  './usr/share/doc/*/changelog*',
  './usr/share/doc/*/NEWS*',
  './usr/share/man',
  './usr/share/locale',
  './usr/share/info',
  './usr/share/lintian',
  './usr/share/bash-completion',
]
