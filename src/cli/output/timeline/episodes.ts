import type { Track } from './tracks.ts'

/** A period in which something happened. */
export interface Episode {
  readonly from: number
  readonly to: number
  readonly tracks: readonly Track[]
}

/** Events that are further apart than this, and than a quarter of the episode, start a new episode. */
const GAP_MS = 20 * 60_000
/** At most this many charts are drawn on a page. */
const MAX_EPISODES = 24

/** Splits the time into episodes without idle time, so that an outage of seconds in a log of months is visible. */
export function episodesOf(tracks: readonly Track[]): { episodes: readonly Episode[]; left: number } {
  const times = tracks
    .flatMap((track) => [...track.stretches, ...track.marks.map(({ at }) => ({ from: at, to: at }))])
    .toSorted((a, b) => a.from - b.from)
  const parts: { from: number; to: number }[] = []
  for (const { from, to } of times) {
    const last = parts.at(-1)
    if (last && from - last.to <= Math.max(GAP_MS, (last.to - last.from) / 4)) last.to = Math.max(last.to, to)
    else parts.push({ from, to })
  }
  const shown = new Set(
    parts.toSorted((a, b) => weight(b, tracks) - weight(a, tracks)).slice(0, MAX_EPISODES),
  )
  const episodes = parts.filter((part) => shown.has(part)).map((part) => episodeOf(part, tracks))
  return { episodes, left: parts.length - episodes.length }
}

function weight({ from, to }: { from: number; to: number }, tracks: readonly Track[]): number {
  const broken = tracks.some(({ marks }) =>
    marks.some(({ kind, at }) => kind === 'broken' && at >= from && at <= to),
  )
  return (broken ? 1e15 : 0) + to - from
}

/** The events of an episode, with a margin on both sides. */
function episodeOf({ from, to }: { from: number; to: number }, tracks: readonly Track[]): Episode {
  const margin = Math.max(2000, (to - from) * 0.04)
  const inside = tracks
    .map((track) => ({
      ...track,
      stretches: track.stretches.filter((stretch) => stretch.to >= from && stretch.from <= to),
      marks: track.marks.filter(({ at }) => at >= from && at <= to),
    }))
    .filter(({ stretches, marks }) => stretches.length > 0 || marks.length > 0)
  return { from: from - margin, to: to + margin, tracks: inside }
}
