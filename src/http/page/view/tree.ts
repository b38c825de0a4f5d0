import type { PathStatus, SessionStatus, VolumeStatus } from '../../../model/attachment.ts'
import type { VolumeMount } from '../../../model/volume-mount.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { byUrgency } from '../../../model/urgency.ts'
import type { Tone } from './tone.ts'
import { count } from '../../../model/count.ts'
import { pathTone, toneIcon, STATE_TONE } from './tone.ts'

/** If there are more volumes than this, only targets with a problem are open at first. */
const MAX_INITIALLY_OPEN = 12

interface Target {
  readonly iqn: string
  readonly volumes: readonly VolumeStatus[]
  readonly sessions: readonly SessionStatus[]
}

/** The path of each volume's I/O: target, session, disk, map, mount, pod. */
export function tree(model: Model, ui: Ui): PageElement | null {
  const targets = targetsOf(model)
  if (targets.length === 0) return null
  const total = model.volumes?.length ?? 0
  return h(
    'section',
    { 'aria-labelledby': 'ways', key: 'ways' },
    h('h2', { id: 'ways' }, 'I/O paths'),
    targets.map((target) => targetOf(target, model.mounts ?? [], ui, total)),
  )
}

function targetsOf({ volumes, sessions }: Model): Target[] {
  const iqns = new Set([
    ...byUrgency(volumes ?? []).flatMap(({ paths }) => paths[0]?.iqn ?? []),
    ...(sessions ?? []).map(({ iqn }) => iqn),
  ])
  return [...iqns].map((iqn) => ({
    iqn,
    volumes: byUrgency((volumes ?? []).filter(({ paths }) => paths[0]?.iqn === iqn)),
    sessions: (sessions ?? []).filter((session) => session.iqn === iqn),
  }))
}

function targetOf(
  { iqn, volumes, sessions }: Target,
  mounts: readonly VolumeMount[],
  ui: Ui,
  total: number,
): PageElement {
  const hasProblem = volumes.some(({ state }) => state !== 'ready')
  const isOpenAtFirst = total <= MAX_INITIALLY_OPEN || hasProblem
  const isOpen = ui.open[iqn] ?? isOpenAtFirst
  const tone = targetTone(volumes)
  const hasPods = mounts.some(({ pod }) => pod !== null)
  return h(
    'details',
    { class: 'target', 'data-target': iqn, key: iqn, initial: { open: isOpenAtFirst } },
    h(
      'summary',
      {},
      toneIcon(tone),
      ' ',
      h('span', { class: 'iqn' }, iqn),
      ' ',
      h(
        'span',
        { class: 'soft' },
        `${count(volumes.length, 'volume')}, ${count(sessions.length, 'session')}`,
      ),
    ),
    isOpen &&
      h(
        'div',
        { class: hasPods ? 'ways with-pods' : 'ways' },
        volumes.length > 0 && columnHeads(hasPods),
        h(
          'ul',
          {},
          volumes.map((volume) =>
            volumePath(
              volume,
              mounts.filter((mount) => mount.volume === volume.name),
              hasPods,
            ),
          ),
          others(volumes, sessions),
        ),
      ),
  )
}

function targetTone(volumes: readonly VolumeStatus[]): Tone {
  const tones = new Set(volumes.map(({ state }) => STATE_TONE[state]))
  return tones.has('bad') ? 'bad' : tones.has('wait') ? 'wait' : tones.has('good') ? 'good' : 'idle'
}

function columnHeads(hasPods: boolean): PageElement {
  return h(
    'div',
    { class: 'way heads', 'aria-hidden': 'true' },
    ['Session', 'Disk', 'Map', 'Mount', ...(hasPods ? ['Pod'] : [])].map((text) => h('span', {}, text)),
  )
}

function volumePath(volume: VolumeStatus, mounts: readonly VolumeMount[], hasPods: boolean): PageElement {
  const { name, paths, device, mount, hold, state } = volume
  const tone = STATE_TONE[state]
  const pods = [...new Set(mounts.flatMap(({ pod }) => pod ?? []))]
  const points = mounts.filter(({ pod }) => pod === null)
  const isOnMap = hold.mode !== 'session'
  const lun = paths[0]?.lun
  return h(
    'li',
    { class: `volume ${tone}`, key: name },
    h('p', { class: 'name' }, h('b', {}, name), ' ', h('span', { class: 'soft' }, `LUN ${lun ?? '?'}`)),
    h(
      'div',
      { class: 'way' },
      h(
        'ul',
        { class: paths.length > 1 ? 'paths several' : 'paths', 'aria-label': 'Paths' },
        paths.map((path) => pathOf(path)),
      ),
      isOnMap && device !== null
        ? station(
            tone,
            'map',
            device.replace('/dev/mapper/', ''),
            hold.mode === 'map' ? 'hold map' : 'multipathd',
          )
        : h('span', { class: 'hop none' }, h('span', {}, isOnMap ? 'no map now' : 'no map')),
      points.length > 0 || mount !== null
        ? h(
            'div',
            { class: 'stack' },
            (points.length > 0
              ? points.map(({ point, fs, readOnly }) => [point, words(fs, readOnly)] as const)
              : [[mount!, words(volume.fs, volume.readOnly)] as const]
            ).map(([point, about]) => station(tone, 'mount', point, about)),
          )
        : h(
            'span',
            { class: 'hop none' },
            h('span', {}, pods.length > 0 ? 'block device' : device === null ? 'no device' : 'raw device'),
          ),
      pods.length > 0
        ? h(
            'div',
            { class: 'stack' },
            pods.map((pod) => station(tone, 'pod', pod, 'pod')),
          )
        : hasPods && h('span', { class: 'hop none' }, h('span', {}, 'no pod')),
    ),
  )
}

function words(fs: string | null, isReadOnly: boolean): string {
  return [fs ?? 'block device', isReadOnly ? 'read-only' : ''].filter((text) => text !== '').join(', ')
}

function pathOf(path: PathStatus): PageElement {
  const tone = pathTone(path)
  const { session, sessionState, disk, diskState, portal, hctl } = path
  return h(
    'li',
    { class: tone, key: portal },
    station(
      session === null ? 'bad' : sessionState === 'LOGGED_IN' ? 'good' : 'wait',
      'session',
      portal,
      session === null ? 'no session' : `session ${session} · ${sessionState ?? '?'}`,
    ),
    station(tone, 'disk', disk ?? 'no disk', disk === null ? (hctl ?? '') : `${hctl} · ${diskState ?? '?'}`),
  )
}

/** One part of the path. */
function station(tone: Tone, kind: string, text: string, about: string): PageElement {
  return h(
    'span',
    { class: `hop ${kind} ${tone}` },
    toneIcon(tone),
    h('span', { class: 'text' }, text),
    about !== '' && h('span', { class: 'about' }, about),
  )
}

/** The disks in these sessions that belong to no volume. */
function others(volumes: readonly VolumeStatus[], sessions: readonly SessionStatus[]): PageElement | null {
  const names = new Set(volumes.map(({ name }) => name))
  const rest = sessions.flatMap(({ disks }) => disks.filter(({ owner }) => !names.has(owner)))
  if (rest.length === 0) return null
  const phantoms = rest.filter(({ owner }) => owner === 'phantom')
  const parts = [
    phantoms.length > 0 ? `${count(phantoms.length, 'disk')} without an owner (${diskNames(phantoms)})` : '',
    rest.length > phantoms.length ? `${count(rest.length - phantoms.length, 'disk')} of other software` : '',
  ]
  return h(
    'li',
    { class: 'others soft', key: ' others' },
    `Also in these sessions: ${parts.filter((part) => part !== '').join('; ')}`,
  )
}

function diskNames(disks: readonly { readonly disk: string | null; readonly hctl: string }[]): string {
  const names = disks.slice(0, 4).map(({ disk, hctl }) => disk ?? hctl)
  return disks.length > names.length ? `${names.join(', ')}, …` : names.join(', ')
}
