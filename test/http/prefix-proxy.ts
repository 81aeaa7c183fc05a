/** A small reverse proxy that shows a server below a path, as nginx and Caddy do. */
import { once } from 'node:events'
import { request as ask, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

export const PREFIX = '/tools/bt'

export interface ProxyWays {
  /** Whether the server sees addresses without the prefix. */
  readonly takesOff: boolean
  /** Whether X-Forwarded-Prefix names it. */
  readonly says: boolean
}

export class PrefixProxy {
  /** With the prefix, without a trailing slash. */
  readonly url: string
  /** Addresses outside the prefix that somebody asked for: none is ever right. */
  readonly strays: string[]
  readonly stop: () => Promise<void>

  private constructor(parts: Pick<PrefixProxy, 'url' | 'strays' | 'stop'>) {
    this.url = parts.url
    this.strays = parts.strays
    this.stop = parts.stop
  }

  static async start(target: string, { takesOff, says }: ProxyWays): Promise<PrefixProxy> {
    const strays: string[] = []
    const proxy = createServer((incoming, answer) => {
      const { url = '/', method, headers, socket } = incoming
      if (url !== PREFIX && !url.startsWith(`${PREFIX}/`)) {
        strays.push(`${method} ${url}`)
        answer.writeHead(418).end()
        return
      }
      const path = takesOff ? url.slice(PREFIX.length) || '/' : url
      const forwarded = {
        ...headers,
        'x-forwarded-for': socket.remoteAddress,
        'x-forwarded-proto': 'http',
        ...(says && { 'x-forwarded-prefix': PREFIX }),
      }
      const outgoing = ask(target + path, { method, headers: forwarded }, (response) => {
        // A browser that leaves a page gives up what it was asking for, and an answer may come after that.
        if (answer.destroyed) return response.destroy()
        answer.writeHead(response.statusCode ?? 502, response.headers)
        pipeline(response, answer, () => undefined)
      })
      outgoing.on('error', () => answer.destroy())
      pipeline(incoming, outgoing, () => undefined)
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const { port } = proxy.address() as AddressInfo
    return new PrefixProxy({
      url: `http://127.0.0.1:${port}${PREFIX}`,
      strays,
      stop: async () => {
        proxy.closeAllConnections()
        await new Promise((resolve) => proxy.close(resolve))
      },
    })
  }
}

/** The ways in which a proxy and the settings can fit together. */
export const fittingWays = [
  { title: 'takes the path off without a word', ways: { takesOff: true, says: false }, settings: {} },
  {
    title: 'takes the path off and names it',
    ways: { takesOff: true, says: true },
    settings: { trustProxy: ['loopback'] },
  },
  {
    title: 'takes the path off, with the path in the settings',
    ways: { takesOff: true, says: false },
    settings: { basePath: PREFIX },
  },
  {
    title: 'passes the path on',
    ways: { takesOff: false, says: false },
    settings: { basePath: PREFIX },
  },
] as const
