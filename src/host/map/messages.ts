import { setTimeout as sleep } from 'node:timers/promises'

import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'

/** Device-mapper answers a message immediately. */
const DEADLINE_MS = 20_000

interface Message {
  readonly map: string
  readonly text: string
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Queued messages, for each host that has messages in progress. */
const waiting = new WeakMap<Host, Message[]>()

// Both programs read one message per line (the map's name and the text) and print one line per message: 0 on success.
const ONE_BY_ONE = 'while read -r map text; do dmsetup message "$map" 0 "$text" >&2; echo $?; done'

/**
 * Messages come in groups, because the disks of a returning target are verified one after the other. They are sent
 * together when no more have arrived for this long. For a hundred messages, twenty programs took 5 s on a slow
 * machine; one took 2 s.
 */
const QUIET_MS = 25
/** How long the first message of a group waits at most. */
const MAX_WAIT_MS = 300

/** From this many messages on, one perl for all is faster than one dmsetup for each. */
const MANY = 3

/**
 * Sends all messages from one process, if perl is installed, as on every Debian: DM_TARGET_MSG of linux/dm-ioctl.h, with a
 * struct dm_ioctl of 312 bytes, the sector, which is 0, and the text.
 */
const PERL = String.raw`
  open(my $dm, '+<', '/dev/mapper/control') or die "/dev/mapper/control: $!\n";
  while (<STDIN>) {
    my ($map, $text) = /^(\S+) (.*)$/;
    my $data = pack('x8a*x', $text);
    my $call = pack('L3L2LlL3x8a128x136', 4, 0, 0, 312 + length $data, 312, 0, 0, 0, 0, 0, $map) . $data;
    my $taken = ioctl($dm, 0xC138FD0E, $call);
    print STDERR "$map: $!\n" unless $taken;
    print $taken ? "0\n" : "1\n";
  }`
const IN_ONE_PROCESS = `if command -v perl > /dev/null; then exec perl -e "$1"; fi; ${ONE_BY_ONE}`

/**
 * Sends a message to a map (`fail_path 8:16`, `queue_if_no_path`). Messages that arrive while a program is sending others are
 * sent together by the next program: a lost target affects a hundred volumes at once, and starting programs takes most of
 * the time.
 * @throws MAP_FAILED TIMEOUT
 */
export function sendMessage(host: Host, map: string, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const message = { map, text, resolve, reject }
  const queue = waiting.get(host)
  if (queue) queue.push(message)
  else {
    waiting.set(host, [message])
    void sendAll(host)
  }
  return promise
}

async function sendAll(host: Host): Promise<void> {
  for (let queue = waiting.get(host)!; queue.length > 0; queue = waiting.get(host)!) {
    await untilQuiet(queue)
    waiting.set(host, [])
    await send(host, queue)
  }
  waiting.delete(host)
}

/** Waits until no more messages arrive. */
async function untilQuiet(queue: readonly Message[]): Promise<void> {
  const end = performance.now() + MAX_WAIT_MS
  for (let before = 0; before < queue.length && performance.now() < end;) {
    before = queue.length
    await sleep(QUIET_MS)
  }
}

async function send(host: Host, messages: readonly Message[]): Promise<void> {
  const [only] = messages
  if (only && messages.length === 1) return sendOne(host, only)
  try {
    const input = messages.map(({ map, text }) => `${map} ${text}\n`).join('')
    const script = messages.length < MANY ? ['-c', ONE_BY_ONE] : ['-c', IN_ONE_PROCESS, 'sh', PERL]
    const ran = await host.run('sh', script, { deadline: DEADLINE_MS, input })
    const answers = ran.stdout.split('\n')
    messages.forEach(({ map, text, resolve, reject }, index) =>
      answers[index] === '0'
        ? resolve()
        : reject(new LunkeeperError('MAP_FAILED', `${map} rejected "${text}": ${failureReason(ran)}`)),
    )
  } catch (error) {
    for (const { reject } of messages) reject(error as Error)
  }
}

/** Without a shell, so that I/O resumes one program start earlier. */
async function sendOne(host: Host, { map, text, resolve, reject }: Message): Promise<void> {
  try {
    const ran = await host.run('dmsetup', ['message', map, '0', text], {
      deadline: DEADLINE_MS,
      urgent: true,
    })
    if (ran.code === 0) resolve()
    else reject(new LunkeeperError('MAP_FAILED', `${map} rejected "${text}": ${failureReason(ran)}`))
  } catch (error) {
    reject(error as Error)
  }
}
