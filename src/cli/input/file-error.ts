const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a directory',
  EBADF: 'no such descriptor is open',
  EAGAIN: 'nothing is to be read there',
  EINVAL: 'nothing can be read there',
  ENOSPC: 'no room is left there',
  Z_DATA_ERROR: 'what is packed in it is damaged',
  Z_BUF_ERROR: 'it ends in the middle of what is packed in it',
}

/** Why a file could not be read, in words. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? (code || (error instanceof Error ? error.message : String(error)))
}
