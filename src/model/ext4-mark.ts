/** What an ext4 superblock says about mounts and checks. The kernel writes it at once on every writable mount. */
export interface Ext4Mark {
  readonly uuid: string
  /** Mounts since the last check. */
  readonly mounts: number
  /** Time of the last writable mount, and of the last check, in seconds since 1970. */
  readonly mountedAt: number
  readonly checkedAt: number
}
