// node invalidate_test.mjs PORT KEY...: invalidates by a connection of its own, without a client.
import net from 'node:net'
import { once } from 'node:events'
import { invalidate } from './invalidate.mjs'

const [port, ...keys] = process.argv.slice(2)
const socket = net.connect(Number(port), '127.0.0.1')
await once(socket, 'connect')
await invalidate(async (keys) => {
  const parts = ['DEL', ...keys].map((p) => `$${Buffer.byteLength(p)}\r\n${p}\r\n`)
  socket.write(`*${parts.length}\r\n${parts.join('')}`)
  const [answer] = await once(socket, 'data')
  if (!answer.toString().startsWith(':')) throw new Error(answer.toString())
}, ...keys)
socket.end()
