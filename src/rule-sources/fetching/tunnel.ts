/**
 * What git is given as its proxy: it sees the names of hosts and encrypted bytes, and connects to nothing that `Network`
 * does not permit, whatever redirections and name servers answer. TLS is between git and the server.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { Failure, messageOf } from '../../errors/index.ts'
import type { Network } from './network.ts'

export interface Tunnel {
  /** With the secret that keeps other programs of this machine out. */
  readonly url: string
  /** Why something was refused or broken off, the first time. */
  failure(): Failure | null
  close(): void
}

export async function openTunnel(network: Network): Promise<Tunnel> {
  const secret = randomBytes(16).toString('hex')
  const expected = `Basic ${Buffer.from(`git:${secret}`).toString('base64')}`
  let failure: Failure | null = null
  const open = new Set<Duplex>()
  const fail = (error: unknown) => {
    failure ??= error instanceof Failure ? error : new Failure('source.failed', messageOf(error))
  }
  const server = createServer((_request, response) => {
    fail(new Failure('source.refused', 'Rules are fetched over https only.'))
    response.writeHead(403).end()
  })
  const connect = async ({ url = '', headers }: IncomingMessage, client: Duplex) => {
    if (headers['proxy-authorization'] !== expected) return refuse(client, '407 Proxy Authentication Required')
    const [, host = '', port = '443'] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(url) ?? []
    try {
      const remote = await network.connect(host, Number(port))
      open.add(remote)
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      remote.on('data', (piece: Buffer) => {
        try {
          network.count(piece.length)
        } catch (error) {
          fail(error)
          remote.destroy()
          client.destroy()
        }
      })
      remote.on('error', () => client.destroy())
      remote.on('close', () => client.destroy())
      client.on('close', () => remote.destroy())
      remote.pipe(client)
      client.pipe(remote)
    } catch (error) {
      fail(error)
      refuse(client, '403 Forbidden')
    }
  }
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    open.add(client)
    client.on('error', () => {})
    void connect(request, client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://git:${secret}@127.0.0.1:${(server.address() as AddressInfo).port}`,
    failure: () => failure,
    close: () => {
      server.close()
      for (const one of open) one.destroy()
    },
  }
}

function refuse(client: Duplex, status: string): void {
  client.end(`HTTP/1.1 ${status}\r\nProxy-Authenticate: Basic realm="fetch"\r\nContent-Length: 0\r\n\r\n`)
}
