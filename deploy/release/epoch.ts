/** All times in what is released, in seconds: reproducible-builds.org's variable, or a fixed day. */
export const EPOCH = process.env['SOURCE_DATE_EPOCH'] ?? '1767225600'
