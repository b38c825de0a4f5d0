import { mkdtempSync, rmSync } from 'node:fs'
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2'
import { connect } from 'node:http2'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { create, toBinary } from '@bufbuild/protobuf'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import {
  Controller,
  Identity,
  Node,
  NodeStageVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode as Mode,
  VolumeHealthErrorType as Health,
} from '../../../../src/csi/protocol/csi_pb.js'
import { serveCsi } from '../../../../src/csi/server/serve.ts'
import type { Host } from '../../../../src/host/host.ts'
import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'

let directory: string
let path: string
let host: Host
let service: AsyncDisposable
let stop: AbortController
let log: string[]

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lunkeeper-csi-'))
  path = join(directory, 'csi.sock')
  // A node with nothing at all.
  host = openHost({
    paths: hostPaths(directory),
    places: { records: join(directory, 'records'), runtime: join(directory, 'run') },
  })
  stop = new AbortController()
  log = []
  service = await serveCsi(host, {
    path,
    name: 'iscsi.csi.lunkeeper',
    nodeId: 'node-1',
    version: '1.2.3',
    observer: {},
    signal: stop.signal,
    say: (line) => log.push(line),
  })
})
afterEach(async () => {
  stop.abort()
  await service[Symbol.asyncDispose]()
  await host[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

const transport = (socket = path) =>
  createGrpcTransport({
    baseUrl: 'http://localhost',
    nodeOptions: { createConnection: () => createConnection(socket) },
    idleConnectionTimeoutMs: 50,
  })

/** Sends a call as bytes with any headers. @returns headers and trailers, one of which has the status */
async function raw(
  method: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<IncomingHttpHeaders> {
  const session = await openSession()
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    const length = Buffer.alloc(5)
    length.writeUInt32BE(body.length, 1)
    stream.end(Buffer.concat([length, body]))
    const { promise, resolve, reject } = Promise.withResolvers<IncomingHttpHeaders>()
    let found: IncomingHttpHeaders = {}
    stream.on('response', (first) => (found = { ...found, ...first }))
    stream.on('trailers', (last) => (found = { ...found, ...last }))
    stream.on('end', () => resolve(found)).on('error', reject)
    stream.resume()
    return await promise
  } finally {
    session.close()
  }
}

async function openSession(): Promise<ClientHttp2Session> {
  return connect('http://localhost', { createConnection: () => createConnection(path) })
}

const INFO = '/csi.v1.Identity/GetPluginInfo'

describe('the service', () => {
  it('reports its name and capabilities', async () => {
    const identity = createClient(Identity, transport())
    expect(await identity.getPluginInfo({})).toMatchObject({
      name: 'iscsi.csi.lunkeeper',
      vendorVersion: '1.2.3',
    })
    const { capabilities } = await identity.getPluginCapabilities({})
    expect(capabilities.map(({ type }) => type.case)).toEqual(['service', 'volumeExpansion'])
    const node = createClient(Node, transport())
    expect(await node.nodeGetInfo({})).toMatchObject({ nodeId: 'node-1', maxVolumesPerNode: 0n })
    const rpcs = (await node.nodeGetCapabilities({})).capabilities.map(({ type }) => type.value?.type)
    expect(rpcs).toEqual([1, 2, 3, 4, 5])
  })

  it('announces NodeGetVolumeHealth, which is alpha, only on request', async () => {
    const other = join(directory, 'other.sock')
    await using _service = await serveCsi(host, {
      path: other,
      name: 'iscsi.csi.lunkeeper',
      nodeId: 'node-1',
      version: '1.2.3',
      announceHealth: true,
      observer: {},
      signal: stop.signal,
      say: () => {},
    })
    const node = createClient(Node, transport(other))
    const rpcs = (await node.nodeGetCapabilities({})).capabilities.map(({ type }) => type.value?.type)
    expect(rpcs).toContain(7)
  })

  it('Probe reports everything that a node lacks', async () => {
    const failed = await createClient(Identity, transport())
      .probe({})
      .catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: Code.FailedPrecondition })
    for (const word of ['iscsid', 'iscsi_tcp', 'initiatorname']) expect(String(failed)).toContain(word)
  })

  it('validates the attributes and capabilities of pre-provisioned volumes', async () => {
    const controller = createClient(Controller, transport())
    const capability = (mode: Mode) => ({
      accessMode: { mode },
      accessType: { case: 'mount' as const, value: {} },
    })
    const volumeContext = { targetPortal: '10.0.0.5', iqn: 'iqn.2024-01.example:db', lun: '7' }
    const call = {
      volumeId: 'pv',
      volumeContext,
      volumeCapabilities: [capability(Mode.SINGLE_NODE_WRITER), capability(Mode.SINGLE_NODE_MULTI_WRITER)],
    }
    const { confirmed } = await controller.validateVolumeCapabilities(call)
    expect(confirmed?.volumeCapabilities).toHaveLength(2)
    expect(confirmed?.volumeContext).toEqual(volumeContext)
    for (const changed of [
      { volumeCapabilities: [capability(Mode.MULTI_NODE_MULTI_WRITER)] },
      { volumeContext: { ...volumeContext, lun: 'x' } },
    ]) {
      const { confirmed, message } = await controller.validateVolumeCapabilities({ ...call, ...changed })
      expect(confirmed).toBeUndefined()
      expect(message).not.toBe('')
    }
    const fails = (changed: Partial<typeof call>) =>
      controller.validateVolumeCapabilities({ ...call, ...changed }).then(
        () => 'nothing',
        (error: unknown) => Code[ConnectError.from(error).code],
      )
    expect(await fails({ volumeId: '' })).toBe('InvalidArgument')
    expect(await fails({ volumeCapabilities: [] })).toBe('InvalidArgument')
    expect(
      await controller
        .validateVolumeCapabilities({ ...call, volumeContext: {} })
        .catch((error: unknown) => Code[ConnectError.from(error).code]),
    ).toBe('NotFound')
  })

  it('NodeGetVolumeHealth is NOT_FOUND for an unknown volume, and then says why it could not be staged', async () => {
    const node = createClient(Node, transport())
    const asked = () =>
      node.nodeGetVolumeHealth({ volumeId: 'pv' }).then(
        ({ volumeHealth }) => volumeHealth,
        (error: unknown) => Code[ConnectError.from(error).code],
      )
    expect(await asked()).toBe('NotFound')
    await node
      .nodeStageVolume({
        volumeId: 'pv',
        stagingTargetPath: join(directory, 'staging'),
        volumeCapability: {
          accessMode: { mode: Mode.SINGLE_NODE_WRITER },
          accessType: { case: 'mount', value: {} },
        },
        volumeContext: { targetPortal: '127.0.0.1', iqn: 'iqn.2024-01.example:db', lun: '7' },
      })
      .catch(() => {})
    expect(await asked()).toMatchObject({
      volumeId: 'pv',
      healthStatuses: [{ status: Health.INACCESSIBLE, reason: 'ModuleMissing', message: /iscsi_tcp/ }].map(
        (entry) => ({ ...entry, message: expect.stringMatching(entry.message) }),
      ),
    })
    await node.nodeUnstageVolume({ volumeId: 'pv', stagingTargetPath: join(directory, 'staging') })
    expect(await asked()).toBe('NotFound')
  })

  it('answers GetPluginInfo while forty volumes wait for a silent target', async () => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const node = createClient(Node, transport())
    const ended: number[] = []
    const staging = Array.from({ length: 40 }, (_, n) =>
      node
        .nodeStageVolume({
          volumeId: `pv-${n}`,
          stagingTargetPath: join(directory, 'staging'),
          volumeCapability: {
            accessMode: { mode: Mode.SINGLE_NODE_WRITER },
            accessType: { case: 'block', value: {} },
          },
          volumeContext: { targetPortal: `127.0.0.1:${port}`, iqn: 'iqn.2024-01.example:db', lun: String(n) },
        })
        .catch(() => {})
        .finally(() => ended.push(n)),
    )
    const identity = createClient(Identity, transport())
    expect((await identity.getPluginInfo({})).name).toBe('iscsi.csi.lunkeeper')
    expect((await node.nodeGetInfo({})).nodeId).toBe('node-1')
    expect(ended.length).toBeLessThan(staging.length / 2)
    await Promise.all(staging)
    silent.close()
  })

  // Since kubelet 1.26, grpc-go sends localhost; other clients send whatever address they were given.
  it.each(['localhost', '%2Frun%2Fcsi.sock', 'csi.sock', 'unix:csi.sock', '[::1]:99999', 'a b'])(
    'answers with any ":authority": "%s"',
    async (authority) => {
      const answer = raw(INFO, new Uint8Array(), { ':authority': authority })
      // Node's HTTP/2 rejects a value that is not a host; the server must survive it.
      if (authority === 'a b') await answer.catch(() => {})
      else expect((await answer)['grpc-status']).toBe('0')
      expect((await raw(INFO, new Uint8Array()))['grpc-status']).toBe('0')
    },
  )

  it('survives a path as ":authority", which HTTP/2 itself rejects (kubelets before 1.26)', async () => {
    await expect(raw(INFO, new Uint8Array(), { ':authority': '/run/csi.sock' })).rejects.toThrow(
      'PROTOCOL_ERROR',
    )
    expect((await raw(INFO, new Uint8Array()))['grpc-status']).toBe('0')
  })

  it('ignores unknown fields, and answers UNIMPLEMENTED to unknown calls', async () => {
    // Field 99, a text.
    expect((await raw(INFO, new Uint8Array([0x9a, 0x06, 1, 0x78])))['grpc-status']).toBe('0')
    expect((await raw('/csi.v1.Controller/CreateVolume', new Uint8Array()))['grpc-status']).toBe('12')
    expect((await raw('/csi.v2.Node/Whatever', new Uint8Array()))['grpc-status']).toBe('12')
  })

  it.each([
    ['a call of a service that is served', '/csi.v1.Controller/CreateVolume'],
    ['a service that is not known', '/csi.v2.Node/Whatever'],
    ['a call that this side of the driver does not serve', '/csi.v1.Controller/ControllerPublishVolume'],
  ])('sends UNIMPLEMENTED where grpc-go looks for it, for %s', async (_, method) => {
    // In trailers; or in headers, if nothing else is sent (gRPC over HTTP/2: Trailers-Only).
    const END_STREAM = 1
    const session = await openSession()
    const stream = session.request({ ':method': 'POST', ':path': method, 'content-type': 'application/grpc' })
    let status: unknown
    let bytes = 0
    stream.on('response', (headers, flags) => {
      if (flags & END_STREAM) status = headers['grpc-status']
    })
    stream.on('trailers', (trailers) => (status ??= trailers['grpc-status']))
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length))
    stream.end(Buffer.alloc(5))
    await new Promise((resolve, reject) => stream.on('close', resolve).on('error', reject))
    session.close()
    expect([status, bytes]).toEqual([String(Code.Unimplemented), 0])
  })

  it('answers malformed and oversized calls with a status and continues', async () => {
    expect((await raw(INFO, new Uint8Array([0xff, 0xff])))['grpc-status']).not.toBe('0')
    expect((await raw(INFO, new Uint8Array(2 << 20)))['grpc-status']).toBe(String(Code.ResourceExhausted))
    const rude = createConnection(path)
    rude.resume().write('GET / HTTP/1.1\r\n\r\n')
    await new Promise((resolve) => rude.once('close', resolve))
    expect((await raw(INFO, new Uint8Array()))['grpc-status']).toBe('0')
  })

  it('puts no secret into a log line or an answer', async () => {
    const secret = 'TopSecret-0123456789'
    const call = create(NodeStageVolumeRequestSchema, {
      volumeId: 'pv',
      stagingTargetPath: join(directory, 'staging'),
      volumeCapability: {
        accessMode: { mode: Mode.SINGLE_NODE_WRITER },
        accessType: { case: 'mount', value: {} },
      },
      volumeContext: {
        targetPortal: 'x y',
        iqn: 'z',
        lun: '1',
        secret: `{"node.session.auth.password": "${secret}"`,
      },
      secrets: { 'node.session.auth.password': secret },
    })
    const status = await raw('/csi.v1.Node/NodeStageVolume', toBinary(NodeStageVolumeRequestSchema, call))
    expect(status['grpc-status']).toBe(String(Code.InvalidArgument))
    expect(JSON.stringify(status) + log.join('\n')).not.toContain('TopSecret')
    expect(log.join('\n')).toContain('NodeStageVolume "pv"')
  })
})
