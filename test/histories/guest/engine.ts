// Lunkeeper as a library in one resident process of the machine: otherwise most of the time would be spent on
// starting a program for each operation. Built with the program under test, from the same sources.
import { mkdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'

import { fromJson } from '@bufbuild/protobuf'
import type { JsonValue } from '@bufbuild/protobuf'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'

import { Node } from '../../../src/csi/protocol/csi_pb.js'
import { attach, detach, expand, giveUp, openHost, sessions, setHold } from '../../../src/index.ts'
import { listVolumes } from '../../../src/state/view/list.ts'

const host = openHost()

interface Asked {
  readonly name: string
  readonly iqn: string
  readonly lun: number
  readonly portals: readonly string[]
  readonly serial: string | null
  readonly hold: string
  readonly mount: string | null
}

type CsiMethod = 'nodeStageVolume' | 'nodePublishVolume' | 'nodeUnpublishVolume' | 'nodeUnstageVolume'

/** A call of a kubelet, with a separate connection: this also finds an agent that was killed and restarted. */
async function csi({ method, request, directory }: CsiCall): Promise<null> {
  if (directory !== null) mkdirSync(directory, { recursive: true })
  const transport = createGrpcTransport({
    baseUrl: 'http://localhost',
    nodeOptions: { createConnection: () => createConnection('/run/csi.sock') },
    idleConnectionTimeoutMs: 100,
  })
  const client = createClient(Node, transport) as unknown as Record<
    CsiMethod,
    (request: unknown) => Promise<unknown>
  >
  try {
    await client[method](fromJson(Node.method[method].input, request))
    return null
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error)
    throw Object.assign(new Error(rawMessage), { code: Code[code] })
  }
}

interface CsiCall {
  readonly method: CsiMethod
  readonly request: JsonValue
  /** Created before the call, which is the kubelet's task. */
  readonly directory: string | null
}

const verbs: Record<string, (asked: never) => Promise<unknown>> = {
  attach: ({ name, iqn, lun, portals, serial, hold, mount }: Asked) =>
    attach(host, {
      name,
      iqn,
      portal: portals,
      lun,
      hold,
      holdMode: 'auto',
      ...(serial === null ? {} : { serial }),
      ...(mount ? { mount, fs: 'ext4', format: true } : {}),
    }),
  detach: ({ name, force }: { name: string; force: boolean }) => detach(host, name, { force }),
  expand: ({ name }: { name: string }) => expand(host, name),
  hold: ({ name, hold }: { name: string; hold: string }) => setHold(host, name, hold),
  'give-up': ({ name }: { name: string }) => giveUp(host, name),
  volumes: () => listVolumes(host),
  sessions: () => sessions(host),
  csi,
}

async function answer(line: string): Promise<void> {
  const { id, what, ...asked } = JSON.parse(line) as { id: number; what: string }
  const say = (end: object) => console.log(JSON.stringify({ id, ...end }))
  try {
    say({ value: await verbs[what]!(asked as never) })
  } catch (error) {
    const { code, name, message } = error as Error & { code?: string }
    say({ error: { code: code ?? name, message } })
  }
}

createInterface({ input: process.stdin }).on('line', (line) => void answer(line))
console.log(JSON.stringify({ id: 0, value: 'ready' }))
