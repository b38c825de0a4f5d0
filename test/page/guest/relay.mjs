// Connects to a port of this machine for a program outside of it, by lines of JSON: {id, open} {id, data} {id, end},
// both ways. `data` is base64.
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'

const port = Number(process.argv[2])
const sockets = new Map()
const tell = (message) => console.log(JSON.stringify(message))

function open(id) {
  const socket = createConnection(port, '127.0.0.1')
  socket.on('data', (data) => tell({ id, data: data.toString('base64') }))
  socket.on('error', () => {})
  socket.on('close', () => {
    sockets.delete(id)
    tell({ id, end: true })
  })
  sockets.set(id, socket)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.open) open(message.id)
  const socket = sockets.get(message.id)
  if (message.data) socket?.write(Buffer.from(message.data, 'base64'))
  if (message.end) socket?.destroy()
})
