// The page's program: follows the node's events, renders the page after each, and carries out the actions of its
// buttons.
import { printableData } from '../../../model/printable.ts'
import type { ServerEvent } from '../event-reader.ts'
import type { ServerClock, DialogName, Documents, Model, Ui } from '../model.ts'
import { EMPTY_MODEL, INITIAL_UI } from '../model.ts'
import { announcement } from '../view/announcement.ts'
import { page, titleOf } from '../view/page.ts'
import { countdownText, elapsedText } from '../view/time.ts'
import { Announcer } from './announcer.ts'
import type { PageChange } from './changes.ts'
import { changeOf, requestChange } from './changes.ts'
import { follow } from './follow.ts'
import { NodeClock } from './node-clock.ts'
import { patch } from './patch.ts'

const COPIED_MS = 2_000
/** Events within this time are rendered together. */
const RENDER_DELAY_MS = 20

const root = document.querySelector('#page')!
const announcer = new Announcer(document.querySelector('#news')!)
const clock = new NodeClock()

let model: Model = EMPTY_MODEL
let ui: Ui = INITIAL_UI
/** Kept in memory only, so that it is gone when the page is closed. */
let token: string | null = null
let following = new AbortController()
let isRenderDue = false

function update(next: Partial<Ui>): void {
  ui = { ...ui, ...next }
  render()
}

function render(): void {
  if (isRenderDue) return
  isRenderDue = true
  setTimeout(() => {
    isRenderDue = false
    ui = { ...ui, nowMs: clock.nowMs() }
    const beganMs = performance.now()
    patch(root, page(model, ui))
    // For users who investigate a slow page, and for the test of the rendering time.
    document.documentElement.dataset['renderedMs'] = String(performance.now() - beganMs)
    document.title = titleOf(model)
    showDialog()
  }, RENDER_DELAY_MS)
}

/** Updates the countdowns at each full second of the node's clock, without rendering the page. */
function tick(): void {
  const now = clock.nowMs()
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

function receive({ name, data }: ServerEvent): void {
  // Text from a target could contain characters that are invisible or change the direction of text.
  const parsed: unknown = printableData(JSON.parse(data))
  if (name === 'clock') {
    clock.receive(Date.parse((parsed as ServerClock).now))
    return
  }
  if (!(name in model)) return
  const before = model.volumes
  model = { ...model, [name]: parsed }
  if (name === 'volumes')
    announcer.announce(announcement(before, parsed as Documents['volumes'], clock.nowMs()))
  render()
}

function start(): void {
  following.abort()
  following = new AbortController()
  void follow(
    token,
    {
      onEvent: receive,
      onLive: () => update({ connection: 'live', reason: null }),
      onLost: (reason) => update({ connection: 'lost', reason }),
      onRefused: (reason) => update({ connection: 'refused', reason }),
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
    update({ copied: text })
    announcer.announce('Copied.')
    setTimeout(() => ui.copied === text && update({ copied: null }), COPIED_MS)
  } catch {
    // Browsers offer the clipboard in secure contexts only: https, or localhost. In other contexts the command is
    // selected.
    const code = [...document.querySelectorAll('.command code')].find((one) => one.textContent === text)
    if (code) getSelection()?.selectAllChildren(code)
  }
}

async function make(change: PageChange): Promise<void> {
  update({ isBusy: true, notice: null })
  const { notice, isTokenRefused } = await requestChange(change, token)
  if (isTokenRefused) {
    token = null
    update({ hasToken: false })
  }
  update({ isBusy: false, dialog: null, notice })
  announcer.announce(notice.text)
}

function submit(dialog: DialogName, value: (name: string) => string): void {
  if (dialog.kind !== 'token') {
    void make(changeOf(dialog, value))
    return
  }
  token = value('token').trim()
  update({ hasToken: true, dialog: null, notice: null })
  if (ui.connection === 'refused') start()
}

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLButtonElement>('button') : null
  if (!button) return
  const { copy: text, action, volume } = button.dataset
  if (text !== undefined) void copy(text)
  if (action === 'cancel') document.querySelector<HTMLDialogElement>('#dialog')?.close()
  if (action === 'token') update({ dialog: { kind: 'token' } })
  if (action === 'forget') {
    token = null
    update({ hasToken: false })
  }
  if (action === 'hold' || action === 'give-up' || action === 'fix') {
    const wanted: DialogName = action === 'fix' ? { kind: 'fix' } : { kind: action, volume: volume ?? '' }
    update({ dialog: token === null ? { kind: 'token' } : wanted })
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
  if (target.id === 'filter') update({ filter: target.value })
})

// These events do not bubble, so they are captured.
document.addEventListener(
  'toggle',
  ({ target }) => {
    if (!(target instanceof HTMLDetailsElement)) return
    const { target: iqn } = target.dataset
    if (iqn !== undefined && ui.open[iqn] !== target.open)
      update({ open: { ...ui.open, [iqn]: target.open } })
  },
  true,
)
document.addEventListener(
  'close',
  ({ target }) => {
    if (target instanceof HTMLDialogElement && ui.dialog) update({ dialog: null })
  },
  true,
)

render()
tick()
start()
