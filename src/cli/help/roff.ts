// The elements of a manual page, man(7). All text is escaped, so that none of it is read as a request.

/**
 * Escapes text within a line: `code` becomes bold, a hyphen stays one that can be copied into a shell, and characters outside
 * of ASCII are named (groff_char(7)).
 */
export function inline(text: string): string {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll(/`([^`]*)`/g, String.raw`\fB$1\fP`)
    .replaceAll(
      /[^\0-\x7f]/gu,
      (character) => `\\[u${character.codePointAt(0)!.toString(16).padStart(4, '0').toUpperCase()}]`,
    )
}

/**
 * A line of text. A dot or an apostrophe at its start is escaped, because it would start a request (groff(7), "Control
 * characters").
 */
function line(text: string): string {
  return `${text.replace(/^(?=[.'])/, String.raw`\&`)}\n`
}

/** An argument of a request, in quotes; quotes inside are doubled. */
const argument = (text: string): string => `"${inline(text).replaceAll('"', '""')}"`

export const title = (name: string, section: number, source: string): string =>
  `.TH ${argument(name.toUpperCase())} ${section} "" ${argument(source)}\n`

export const heading = (text: string): string => `.SH ${argument(text)}\n`

export const subheading = (text: string): string => `.SS ${argument(text)}\n`

export const paragraph = (text: string): string => `.PP\n${line(inline(text))}`

/** A line of text without a macro before it, for the text after a heading. */
export const plain = (text: string): string => line(inline(text))

/** A term, with its description indented below. */
export const entry = (term: string, ...meanings: readonly string[]): string =>
  `.TP\n.B ${argument(term)}\n${meanings.map((text) => line(inline(text))).join('.IP\n')}`

/** A command line, below its description. */
export const example = (does: string, command: string): string =>
  `.PP\n${line(inline(`${does}:`))}.PP\n.RS 4\n.nf\n${line(inline(command.replaceAll('`', "'")))}.fi\n.RE\n`
