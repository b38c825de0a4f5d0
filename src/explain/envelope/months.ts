import { GLIBC, LANGUAGES } from './month-words.ts'

/**
 * Parses the names of months in one log. Remembers which languages can explain all names that the log has had so far.
 */
export interface Months {
  /**
   * @param weekday the name of the weekday in the same date, which helps to find the language
   * @returns 0 to 11; null if the word is not the name of a month
   */
  read(word: string, weekday?: Weekday): number | null
}

/** The name of a weekday in a date, with the year and the day of that date. */
export interface Weekday {
  readonly name: string
  readonly year: number
  readonly day: number
}

const ENGLISH = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map(
    (name, month) => [name, month] as const,
  ),
)

/** For each word, its month in each language that has the word. */
type Words = ReadonlyMap<string, ReadonlyMap<string, number>>

interface Tables {
  /** Whole names and abbreviations. */
  readonly exact: Words
  /** Full names by their first letters, because releases of glibc abbreviate at different lengths. */
  readonly full: ReadonlyMap<string, readonly FullName[]>
  /** Full names of weekdays. */
  readonly weekdays: ReadonlyMap<string, readonly string[]>
}

interface FullName {
  readonly word: string
  readonly language: string
  readonly month: number
}

/** An abbreviation with fewer letters is ambiguous. */
const MIN_LETTERS = 3

let cachedTables: Tables | null = null

export function openMonths(): Months {
  let languages: ReadonlySet<string> | null = null
  const known = new Map<string, number | null>()

  /**
   * Selects the month of a word with several meanings: `lis` is October in Croatian and November in Polish. The languages
   * of earlier names, and the weekday, decide.
   */
  function choose(meanings: ReadonlyMap<string, number>, weekday: Weekday | undefined): number {
    let left = [...meanings.keys()]
    const narrow = (fits: (language: string) => boolean) => {
      const fitting = left.filter((language) => fits(language))
      if (fitting.length > 0) left = fitting
    }
    if (languages) narrow((language) => languages!.has(language))
    if (weekday !== undefined && new Set(meanings.values()).size > 1) {
      const name = normalized(weekday.name)
      narrow((language) => {
        const date = new Date(Date.UTC(weekday.year, meanings.get(language), weekday.day))
        return tables().weekdays.get(language)?.[date.getUTCDay()]?.startsWith(name) ?? false
      })
    }
    languages = new Set(left)
    return meanings.get(left[0]!)!
  }

  return {
    read(word, weekday) {
      const english = ENGLISH.get(word)
      if (english !== undefined) return english
      const key = normalized(word)
      if (key === '') return null
      const cached = known.get(key)
      if (cached !== undefined && (cached === null || weekday === undefined)) return cached
      const meanings = meaningsOf(key)
      const month = meanings && choose(meanings, weekday)
      // Bounded, because a hostile log can contain any number of words.
      if (known.size < 1000) known.set(key, month)
      return month
    },
  }
}

function meaningsOf(word: string): ReadonlyMap<string, number> | null {
  const cjk = /^(\d{1,2})[月월]$/.exec(word)
  if (cjk) return Number(cjk[1]) >= 1 && Number(cjk[1]) <= 12 ? new Map([['zh', Number(cjk[1]) - 1]]) : null
  const { exact, full } = tables()
  const meanings = exact.get(word)
  if (meanings) return meanings
  if (word.length < MIN_LETTERS) return null
  const begun = full.get(word.slice(0, MIN_LETTERS))?.filter((name) => name.word.startsWith(word)) ?? []
  if (begun.length === 0) return null
  const found = new Map<string, number>()
  for (const { language, month } of begun) if (!found.has(language)) found.set(language, month)
  return found
}

/** Built at the first month name that is not English, because building takes about 0.2 s. */
function tables(): Tables {
  cachedTables ??= buildTables()
  return cachedTables
}

function buildTables(): Tables {
  const exact = new Map<string, Map<string, number>>()
  const full = new Map<string, FullName[]>()
  const weekdays = new Map<string, string[]>()
  const add = (name: string, language: string, month: number) => {
    const word = normalized(name)
    if (word === '') return
    const meanings = exact.get(word) ?? new Map<string, number>()
    if (!meanings.has(language)) meanings.set(language, month)
    exact.set(word, meanings)
  }
  const glibc = new Map(
    GLIBC.trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(' ')), line.split(' ').slice(1)] as const),
  )
  for (const language of LANGUAGES.trim().split(/\s+/)) {
    glibc.get(language)?.forEach((names, month) => {
      for (const name of names.split('/')) if (name !== '-') add(name, language, month)
    })
    if (Intl.DateTimeFormat.supportedLocalesOf([language]).length === 0) continue
    for (const form of FORMATS) {
      const format = new Intl.DateTimeFormat(`${language}-u-ca-gregory`, { ...form, timeZone: 'UTC' })
      for (let month = 0; month < 12; month++) {
        const name = format.formatToParts(Date.UTC(2026, month, 5)).find(({ type }) => type === 'month')
        if (!name) continue
        add(name.value, language, month)
        if (form.month !== 'long') continue
        const word = normalized(name.value)
        const letters = word.slice(0, MIN_LETTERS)
        full.set(letters, [...(full.get(letters) ?? []), { word, language, month }])
      }
    }
    const day = new Intl.DateTimeFormat(language, { weekday: 'long', timeZone: 'UTC' })
    // The first of February 2026 is a Sunday.
    weekdays.set(
      language,
      Array.from({ length: 7 }, (_, index) => normalized(day.format(Date.UTC(2026, 1, 1 + index)))),
    )
  }
  return { exact, full, weekdays }
}

/** A month's name alone, and in a date, where many languages inflect it. */
const FORMATS: readonly Intl.DateTimeFormatOptions[] = [
  { month: 'short' },
  { month: 'long' },
  { month: 'short', day: 'numeric' },
  { month: 'long', day: 'numeric' },
]

/** Removes what spellings of one name differ in: case, dots, blanks, direction marks, apostrophes. */
function normalized(word: string): string {
  return word
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[.\s\u200e\u200f'\u2019\u02bc]|\u0307/gu, '')
}
