// A gRPC client in the machine, as a kubelet is one: calls come as lines of JSON, {id, method, request,
// timeoutMs}; answers go as lines "id JSON". Usage: node csi-client.mjs SOCKET
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'

import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { fromJson, toJson } from '@bufbuild/protobuf'

import { Controller, Identity, Node } from '../../../src/csi/protocol/csi_pb.js'

const [path] = process.argv.slice(2)
const services = [Identity, Controller, Node]

// A connection for each call, so that an agent which was killed and is there again is found.
function transport() {
  return createGrpcTransport({
    baseUrl: 'http://localhost',
    nodeOptions: { createConnection: () => createConnection(path) },
    idleConnectionTimeoutMs: 100,
  })
}

async function call({ method, request, timeoutMs }) {
  const service = services.find((one) => Object.hasOwn(one.method, method))
  const { input, output } = service.method[method]
  const client = createClient(service, transport())
  return toJson(output, await client[method](fromJson(input, request ?? {}), { timeoutMs }))
}

async function answer(line) {
  const { id, ...asked } = JSON.parse(line)
  const started = performance.now()
  const end = await call(asked).then(
    (result) => ({ result }),
    (error) => {
      const { code, rawMessage } = ConnectError.from(error)
      return { code: Code[code], message: rawMessage }
    },
  )
  console.log(`${id} ${JSON.stringify({ ...end, ms: Math.round(performance.now() - started) })}`)
}

createInterface({ input: process.stdin }).on('line', (line) => void answer(line))
console.log('ready')
