// The parts that a page of man(7) is made of. Every text is escaped: none of it is taken for a request.

/**
 * A text within a line: `code` of our texts is bold, a hyphen stays one that can be copied into a shell, and what is not ASCII
 * is named: groff_char(7).
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

/** A line of text. A dot or an apostrophe at its start would make a request of it: groff(7), "Control characters". */
function line(text: string): string {
  return `${text.replace(/^(?=[.'])/, String.raw`\&`)}\n`
}

/** An argument of a request: in quotes, with those inside doubled. */
const argument = (text: string): string => `"${inline(text).replaceAll('"', '""')}"`

export const title = (name: string, section: number, source: string): string =>
  `.TH ${argument(name.toUpperCase())} ${section} "" ${argument(source)}\n`

export const heading = (text: string): string => `.SH ${argument(text)}\n`

export const subheading = (text: string): string => `.SS ${argument(text)}\n`

export const paragraph = (text: string): string => `.PP\n${line(inline(text))}`

/** What is on the page without a macro before it, as after a heading. */
export const plain = (text: string): string => line(inline(text))

/** A term with its meaning, indented, below. */
export const entry = (term: string, ...meanings: readonly string[]): string =>
  `.TP\n.B ${argument(term)}\n${meanings.map((text) => line(inline(text))).join('.IP\n')}`

/** A command line as it is typed, below what it does. */
export const example = (does: string, command: string): string =>
  `.PP\n${line(inline(`${does}:`))}.PP\n.RS 4\n.nf\n${line(inline(command.replaceAll('`', "'")))}.fi\n.RE\n`
