import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** A port that nothing listens on now, for a program that is told which one to take. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const holder = createServer().listen(0, host)
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  holder.close()
  await once(holder, 'close')
  return port
}
