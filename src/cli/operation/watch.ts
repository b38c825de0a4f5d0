import type { Host } from '../../host/host.ts'
import { observeVolumes } from '../../hold/observe-volumes.ts'
import { printableData, printableLine } from '../../model/printable.ts'
import { listVolumeMounts } from '../../state/view/volume-mounts.ts'
import type { TopState } from '../output/top.ts'
import { topText } from '../output/top.ts'
import { openScreen } from './screen.ts'

/** The screen is redrawn this often between two readings, for the countdowns. */
const REDRAW_INTERVAL_MS = 1_000

const withMounts = (host: Host, reading: Omit<TopState, 'mounts'>): TopState => ({
  ...reading,
  mounts: listVolumeMounts(host),
})

/** Shows the volumes on the terminal until the user leaves. */
export async function watchOnScreen(host: Host): Promise<void> {
  const end = new AbortController()
  let state: TopState | null = null
  using screen = openScreen(process.stdout, process.stdin, {
    onLeave: () => end.abort(),
    onResize: () => draw(),
  })
  const draw = () => {
    if (state) screen.draw(topText(printableData(state), screen.display, screen.rows))
  }
  const timer = setInterval(draw, REDRAW_INTERVAL_MS)
  try {
    await observeVolumes(
      host,
      (reading) => {
        state = withMounts(host, reading)
        draw()
      },
      end.signal,
    )
  } finally {
    clearInterval(timer)
  }
}

/**
 * Prints a line of JSON at the start and after each change, until a signal, or until the reader closes the pipe. A slow reader
 * misses intermediate states, and always gets the newest one.
 */
export async function watchAsJson(host: Host): Promise<void> {
  const end = new AbortController()
  const stop = () => end.abort()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop)
  process.stdout.on('error', stop)
  let last = ''
  await observeVolumes(
    host,
    async ({ volumes }) => {
      const text = printableLine(volumes)
      if (text === last) return
      last = text
      const line = `{"now":${JSON.stringify(new Date().toISOString())},"volumes":${text}}\n`
      if (process.stdout.write(line)) return
      const { promise, resolve } = Promise.withResolvers<void>()
      process.stdout.once('drain', resolve)
      end.signal.addEventListener('abort', () => resolve(), { once: true })
      await promise
    },
    end.signal,
  )
}

/** The current state, for an output that is not a terminal. */
export async function readOnce(host: Host): Promise<TopState> {
  const end = new AbortController()
  const { promise, resolve } = Promise.withResolvers<TopState>()
  await observeVolumes(
    host,
    (reading) => {
      resolve(withMounts(host, reading))
      end.abort()
    },
    end.signal,
  )
  return promise
}
