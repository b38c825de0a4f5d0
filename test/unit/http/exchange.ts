import { once } from 'node:events'
import { connect } from 'node:net'

/** The complete answer to a request given as text. */
export async function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (data) => (received += data.toString()))
  socket.on('error', () => {})
  socket.write(request)
  await once(socket, 'close')
  return received
}
