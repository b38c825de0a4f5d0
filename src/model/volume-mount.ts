/** One place where a volume, or a block device of it, is mounted. A published contract. */
export interface VolumeMount {
  readonly volume: string
  readonly point: string
  /** Type of the file system; null for a block device in a pod. */
  readonly fs: string | null
  readonly readOnly: boolean
  /** UID of the pod that has this mount; null if no pod has it. */
  readonly pod: string | null
}
