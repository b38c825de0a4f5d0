const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  EBADF: 'the descriptor is not open',
  EAGAIN: 'the descriptor is not readable',
  EINVAL: 'it is not readable',
  ENOSPC: 'no space is left there',
  Z_DATA_ERROR: 'the compressed data is corrupt',
  Z_BUF_ERROR: 'the compressed data is truncated',
}

/** The reason why a file could not be read, as text. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? (code || (error instanceof Error ? error.message : String(error)))
}
