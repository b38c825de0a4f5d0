import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'

import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { describe, expect, it } from 'vitest'

import { serveController } from '../../../../src/csi/controller/serve.ts'
import {
  Controller,
  Identity,
  VolumeCapability_AccessMode_Mode as Mode,
} from '../../../../src/csi/protocol/csi_pb.js'
import { parsePublication } from '../../../../src/csi/volume/publication.ts'
import { openApi } from '../../../../src/kubernetes/api/client.ts'
import { findAttachments } from '../../../../src/kubernetes/attachment/list.ts'
import type { SeenVolumeAttachment } from '../../../api-server/server.ts'
import { DRIVER, made } from '../../kubernetes/attachment/attachments.ts'
import { rulesOf, world } from '../../kubernetes/world.ts'
import { temporary } from '../../temporary.ts'

const mount = (mode: Mode) => ({ accessMode: { mode }, accessType: { case: 'mount' as const, value: {} } })
const block = (mode: Mode) => ({ accessMode: { mode }, accessType: { case: 'block' as const, value: {} } })
const RWO = mount(Mode.SINGLE_NODE_MULTI_WRITER)

/** A controller with an API server that has these attachments. `publish` returns the uid or the status. */
async function beside(attachments: readonly SeenVolumeAttachment[]) {
  const { server, account } = await world({ attachments }, rulesOf('controller'))
  const api = openApi(account)
  const path = join(temporary(), 'csi.sock')
  const log: string[] = []
  const service = await serveController({
    path,
    name: DRIVER,
    version: '1.2.3',
    find: (volumeHandle, signal) => findAttachments(api, { driver: DRIVER, volumeHandle }, signal),
    say: (line) => log.push(line),
  })
  const transport = createGrpcTransport({
    baseUrl: 'http://localhost',
    nodeOptions: { createConnection: () => createConnection(path) },
    idleConnectionTimeoutMs: 50,
  })
  const client = createClient(Controller, transport)
  const publish = (nodeId: string, volumeCapability: typeof RWO | ReturnType<typeof block> = RWO) =>
    client.controllerPublishVolume({ volumeId: 'h', nodeId, volumeCapability }).then(
      ({ publishContext }) => parsePublication(publishContext)?.attachment.uid ?? 'nothing',
      (error: unknown) => `${Code[ConnectError.from(error).code]}: ${ConnectError.from(error).rawMessage}`,
    )
  return {
    server,
    client,
    identity: createClient(Identity, transport),
    publish,
    log,
    path,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      api[Symbol.dispose]()
    },
  }
}

describe('the controller', () => {
  it('announces that it publishes volumes, not that it creates or deletes them', async () => {
    await using made = await beside([])
    const { capabilities } = await made.client.controllerGetCapabilities({})
    expect(capabilities.map(({ type }) => type.value?.type)).toEqual([2, 13])
    expect(await made.identity.getPluginInfo({})).toMatchObject({ name: DRIVER, vendorVersion: '1.2.3' })
    expect(await made.identity.probe({})).toMatchObject({ ready: true })
  })

  it('gives a volume to one node, and to the next when the first VolumeAttachment is gone; each has its own uid', async () => {
    const first = made('h', 'node-1', { uid: 'uid-1' })
    await using controller = await beside([first])
    const { server, client, publish } = controller
    expect(await publish('node-1')).toBe('uid-1')
    expect(await publish('node-1')).toBe('uid-1')
    const second = made('h', 'node-2', { uid: 'uid-2', createdAt: '2026-11-20T22:05:00Z' })
    server.attachments = [first, second]
    expect(await publish('node-2')).toMatch(/^FailedPrecondition: OWNED_ELSEWHERE: .* node-1 /)
    await client.controllerUnpublishVolume({ volumeId: 'h', nodeId: 'node-1' })
    await client.controllerUnpublishVolume({ volumeId: 'h', nodeId: 'node-1' })
    // The attacher has not removed its finalizer yet.
    expect(await publish('node-2')).toMatch(/^FailedPrecondition/)
    server.attachments = [second]
    expect(await publish('node-2')).toBe('uid-2')
    server.attachments = [made('h', 'node-1', { uid: 'uid-3' })]
    expect(await publish('node-1')).toBe('uid-3')
  })

  it('gives the volume to one of two nodes that ask at the same time', async () => {
    await using controller = await beside([made('h', 'node-1'), made('h', 'node-2')])
    const answers = await Promise.all([controller.publish('node-2'), controller.publish('node-1')])
    expect(answers.filter((answer) => answer.startsWith('uid-'))).toEqual(['uid-node-1'])
  })

  it.each([
    ['a file system for many writers', mount(Mode.MULTI_NODE_MULTI_WRITER)],
    ['one writer beside readers', block(Mode.MULTI_NODE_SINGLE_WRITER)],
  ])('refuses %s', async (_, capability) => {
    await using controller = await beside([made('h', 'node-1')])
    expect(await controller.publish('node-1', capability)).toMatch(/^InvalidArgument/)
  })

  it.each([
    ['block volumes for many writers: a virtual machine that migrates', block(Mode.MULTI_NODE_MULTI_WRITER)],
    ['readers', mount(Mode.MULTI_NODE_READER_ONLY)],
  ])('gives to two nodes: %s', async (_, capability) => {
    await using controller = await beside([made('h', 'node-1', { attached: true }), made('h', 'node-2')])
    expect(await controller.publish('node-2', capability)).toBe('uid-node-2')
  })

  it('gives a volume to no node while the API is away, with a status that makes the attacher retry', async () => {
    await using controller = await beside([made('h', 'node-1')])
    controller.server.mood = { status: 503 }
    expect(await controller.publish('node-1')).toMatch(/^Unavailable: OWNER_UNKNOWN: the Kubernetes API/)
    await controller.client.controllerUnpublishVolume({ volumeId: 'h', nodeId: 'node-1' })
    controller.server.mood = {}
    expect(await controller.publish('node-1')).toBe('uid-node-1')
  })

  it('reports missing fields and VolumeAttachments', async () => {
    await using controller = await beside([])
    expect(await controller.publish('node-1')).toMatch(/^NotFound/)
    expect(await controller.publish('')).toMatch(/^InvalidArgument/)
    const unpublish = (volumeId: string) =>
      controller.client.controllerUnpublishVolume({ volumeId, nodeId: 'node-9' }).then(
        () => 'done',
        (error: unknown) => Code[ConnectError.from(error).code],
      )
    expect(await unpublish('')).toBe('InvalidArgument')
    expect(await unpublish('never-seen')).toBe('done')
  })

  it('removes its socket when it is disposed of', async () => {
    const controller = await beside([])
    expect(existsSync(controller.path)).toBe(true)
    await controller[Symbol.asyncDispose]()
    expect(existsSync(controller.path)).toBe(false)
  })
})
