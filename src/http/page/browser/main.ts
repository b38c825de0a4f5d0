// The page's program: follows the node's events, has the views made again after each, and carries out what buttons ask for.
import { printableData } from '../../../model/printable.ts'
import type { ServerEvent } from '../event-reader.ts'
import type { Clock, DialogName, Documents, Model, Ui } from '../model.ts'
import { FRESH, NOTHING_YET } from '../model.ts'
import { announcement } from '../view/announcement.ts'
import { page, titleOf } from '../view/page.ts'
import { countdownText, elapsedText } from '../view/words.ts'
import { follow, reasonOf } from './follow.ts'
import { patch } from './patch.ts'

/** Announcements are not made more often than this: a screen reader must finish a sentence. */
const NEWS_INTERVAL_MS = 3_000
const COPIED_MS = 2_000
const TOGETHER_MS = 20
const CLOCK_STEP_MS = 5_000

const root = document.querySelector('#page')!
const news = document.querySelector('#news')!

let model: Model = NOTHING_YET
let ui: Ui = FRESH
/** In memory only, so that it is gone with the page. */
let token: string | null = null
let following = new AbortController()
/** The node's clock: what it said, and when, by a clock that is never set. */
let clock = { nowMs: 0, atMs: performance.now() }
let isDue = false

const nowMs = () => clock.nowMs + performance.now() - clock.atMs

function change(next: Partial<Ui>): void {
  ui = { ...ui, ...next }
  render()
}

/** Many events at once are one rendering; also those that come in pieces. */
function render(): void {
  if (isDue) return
  isDue = true
  setTimeout(() => {
    isDue = false
    ui = { ...ui, nowMs: nowMs() }
    const beganMs = performance.now()
    patch(root, page(model, ui))
    // For whom a slow page surprises, and for the test of it.
    document.documentElement.dataset['renderedMs'] = String(performance.now() - beganMs)
    document.title = titleOf(model)
    showDialog()
  }, TOGETHER_MS)
}

/** Clocks are counted without a rendering, at each full second of what they show. */
function tick(): void {
  const now = nowMs()
  for (const element of document.querySelectorAll<HTMLElement>('[data-deadline]'))
    setText(element, countdownText(Number(element.dataset['deadline']) - now))
  for (const element of document.querySelectorAll<HTMLElement>('[data-since]'))
    setText(element, elapsedText(now - Number(element.dataset['since'])))
  for (const element of document.querySelectorAll<HTMLProgressElement>('[data-until]'))
    element.value = Math.max(0, Number(element.dataset['until']) - now)
  setTimeout(tick, 1000 - (now % 1000) + 5)
}

function setText({ firstChild }: HTMLElement, text: string): void {
  if (firstChild && firstChild.nodeValue !== text) firstChild.nodeValue = text
}

function take({ name, data }: ServerEvent): void {
  // Text of a target could turn the direction of what follows it, or hide.
  const parsed: unknown = printableData(JSON.parse(data))
  if (name === 'clock') {
    setClock(Date.parse((parsed as Clock).now))
    return
  }
  if (!(name in model)) return
  const before = model.volumes
  model = { ...model, [name]: parsed }
  if (name === 'volumes') tell(announcement(before, parsed as Documents['volumes'], nowMs()))
  render()
}

/**
 * What the node said was true before it arrived here, so of several the one that makes the clock latest had the shortest way.
 * One that differs by more than any delay is a clock that was set.
 */
function setClock(saidMs: number): void {
  if (saidMs > nowMs() || nowMs() - saidMs > CLOCK_STEP_MS) clock = { nowMs: saidMs, atMs: performance.now() }
}

let told: string[] = []
let quietUntilMs = 0

function tell(text: string | null): void {
  if (text === null) return
  told.push(text)
  if (told.length > 1) return
  setTimeout(
    () => {
      news.textContent = told.join(' ')
      told = []
      quietUntilMs = performance.now() + NEWS_INTERVAL_MS
    },
    Math.max(0, quietUntilMs - performance.now()),
  )
}

function start(): void {
  following.abort()
  following = new AbortController()
  void follow(
    token,
    {
      event: take,
      live: () => change({ connection: 'live', reason: null }),
      lost: (reason) => change({ connection: 'lost', reason }),
      refused: (reason) => change({ connection: 'refused', reason }),
    },
    following.signal,
  )
}

function showDialog(): void {
  const dialog = document.querySelector<HTMLDialogElement>('#dialog')
  if (dialog && !dialog.open) dialog.showModal()
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    change({ copied: text })
    tell('Copied.')
    setTimeout(() => ui.copied === text && change({ copied: null }), COPIED_MS)
  } catch {
    // Only a secure context has a clipboard: https, or this machine. The command is selected instead.
    const code = [...document.querySelectorAll('.command code')].find((one) => one.textContent === text)
    if (code) getSelection()?.selectAllChildren(code)
  }
}

async function post(path: string, body: object, done: (answer: unknown) => string): Promise<void> {
  change({ isBusy: true, notice: null })
  let notice: Ui['notice']
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token ?? ''}` },
      body: JSON.stringify(body),
    })
    if (response.status === 401) {
      token = null
      change({ hasToken: false })
    }
    notice = response.ok
      ? { isGood: true, text: done(await response.json()) }
      : { isGood: false, text: await reasonOf(response) }
  } catch (error) {
    notice = { isGood: false, text: error instanceof Error ? error.message : String(error) }
  }
  change({ isBusy: false, dialog: null, notice })
  tell(notice.text)
}

function submit(dialog: DialogName, value: (name: string) => string): void {
  switch (dialog.kind) {
    case 'token':
      token = value('token').trim()
      change({ hasToken: true, dialog: null, notice: null })
      if (ui.connection === 'refused') start()
      return
    case 'hold':
      void post(
        `/api/v1/volumes/${encodeURIComponent(dialog.volume)}/hold`,
        { wanted: value('wanted') },
        () => `The hold of ${dialog.volume} is ${value('wanted')} now.`,
      )
      return
    case 'give-up':
      void post(
        `/api/v1/volumes/${encodeURIComponent(dialog.volume)}/give-up`,
        { confirm: value('confirm') },
        () => `${dialog.volume} was given up: its held I/O has failed.`,
      )
      return
    case 'fix':
      void post('/api/v1/fix', {}, (answer) => {
        const { repairs = [] } = answer as { repairs?: readonly { done: boolean; action: string }[] }
        const done = repairs.filter((repair) => repair.done).map(({ action }) => action)
        return done.length === 0
          ? 'There was nothing that could be repaired safely.'
          : `Done: ${done.join('; ')}.`
      })
  }
}

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLButtonElement>('button') : null
  if (!button) return
  const { copy: text, action, volume } = button.dataset
  if (text !== undefined) void copy(text)
  if (action === 'cancel') document.querySelector<HTMLDialogElement>('#dialog')?.close()
  if (action === 'token') change({ dialog: { kind: 'token' } })
  if (action === 'forget') {
    token = null
    change({ hasToken: false })
  }
  if (action === 'hold' || action === 'give-up' || action === 'fix') {
    const wanted: DialogName = action === 'fix' ? { kind: 'fix' } : { kind: action, volume: volume ?? '' }
    change({ dialog: token === null ? { kind: 'token' } : wanted })
  }
})

document.addEventListener('submit', (event) => {
  event.preventDefault()
  const form = event.target as HTMLFormElement
  const wrong = [...form.querySelectorAll<HTMLInputElement>('[data-equals]')].find(
    ({ value, dataset }) => value !== dataset['equals'],
  )
  if (wrong) {
    wrong.setCustomValidity('This is not the name of the volume.')
    wrong.reportValidity()
    return
  }
  const values = new FormData(form)
  const value = (name: string) => {
    const found = values.get(name)
    return typeof found === 'string' ? found : ''
  }
  if (ui.dialog) submit(ui.dialog, value)
})

document.addEventListener('input', ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return
  target.setCustomValidity('')
  if (target.id === 'filter') change({ filter: target.value })
})

// These do not bubble.
document.addEventListener(
  'toggle',
  ({ target }) => {
    if (!(target instanceof HTMLDetailsElement)) return
    const { target: iqn } = target.dataset
    if (iqn !== undefined && ui.open[iqn] !== target.open)
      change({ open: { ...ui.open, [iqn]: target.open } })
  },
  true,
)
document.addEventListener(
  'close',
  ({ target }) => {
    if (target instanceof HTMLDialogElement && ui.dialog) change({ dialog: null })
  },
  true,
)

render()
tick()
start()
