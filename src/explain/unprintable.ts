/** C0, DEL, C1, and characters that change the direction of text or are invisible. */
const UNPRINTABLE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/gu

/** Text of a log, made safe for a terminal: each unprintable character becomes `?`. */
export function replaceUnprintable(text: string): string {
  return text.replace(UNPRINTABLE, '?')
}
