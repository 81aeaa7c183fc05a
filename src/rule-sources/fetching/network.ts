/**
 * The only way out of a fetching process: every connection, of git as of a download, is opened here. The host has to be
 * on the list, whether it stands in the source's address or in a redirection; the name is looked up once, and what is
 * connected to is the address that was found permitted. All bytes that come in are counted.
 */
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { Failure, messageOf } from '../../errors/index.ts'
import { inNetworks } from '../../settings/index.ts'
import { isHostAllowed, isPublicAddress } from './addresses.ts'
import type { NetworkRules } from './order.ts'

const CONNECT_MS = 20_000

export class Network {
  readonly #rules: NetworkRules
  readonly #mostBytes: number
  #bytes = 0

  constructor(rules: NetworkRules, mostBytes: number) {
    this.#rules = rules
    this.#mostBytes = mostBytes
  }

  /** A connection to the host. `source.refused`, `source.unreachable`. */
  async connect(host: string, port: number): Promise<Socket> {
    demandHost(host, this.#rules)
    let problem: Failure | null = null
    for (const address of await this.#addressesOf(host)) {
      const socket = await opened(address, port).catch((error: unknown) => {
        problem = new Failure('source.unreachable', `${host} cannot be reached: ${messageOf(error)}.`)
        return null
      })
      if (socket !== null) return socket
    }
    throw problem ?? new Failure('source.unreachable', `${host} has no address.`)
  }

  /** The same with TLS. */
  async connectSecurely(host: string, port: number): Promise<TLSSocket> {
    const socket = await this.connect(host, port)
    const { ca } = this.#rules
    const secure = connectTls({
      socket,
      ...(isIP(host) === 0 && { servername: host }),
      host,
      ALPNProtocols: ['http/1.1'],
      ...(ca !== '' && { ca: readFileSync(ca) }),
    })
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        secure.destroy()
        reject(new Failure('source.unreachable', `There is no secure connection to ${host}: ${error.message}.`))
      }
      secure.setTimeout(CONNECT_MS, () => fail(new Error('it did not answer in time')))
      secure.once('error', fail)
      secure.once('secureConnect', () => {
        secure.setTimeout(0)
        secure.off('error', fail)
        resolve(secure)
      })
    })
  }

  /** To be called with all that comes in. `source.too-large`. */
  count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#mostBytes) {
      throw new Failure('source.too-large', `It is larger than a source may be: ${this.#mostBytes} bytes.`)
    }
  }

  async #addressesOf(host: string): Promise<string[]> {
    const found = await lookup(host, { all: true }).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException
      const why = code === 'ENOTFOUND' ? 'there is no host of that name' : messageOf(error)
      throw new Failure('source.unreachable', `${host} cannot be reached: ${why}.`)
    })
    const addresses = found.map(({ address }) => address)
    const isPermitted = inNetworks(this.#rules.networks)
    const permitted = addresses.filter((one) => isPublicAddress(one) || isPermitted(one))
    if (permitted.length > 0) return permitted
    throw new Failure(
      'source.refused',
      `${host} has the address ${addresses[0]}, which is not a public one; --rule-source-networks can permit it.`,
    )
  }
}

/** Fails with `source.refused` for a host that is not on the list. */
export function demandHost(host: string, { hosts }: NetworkRules): void {
  if (isHostAllowed(host, hosts)) return
  throw new Failure(
    'source.refused',
    `Rules may not be fetched from ${host}: it is not one of --rule-source-hosts (${hosts.join(', ') || 'none'}).`,
  )
}

function opened(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address, port, noDelay: true })
    const fail = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    socket.setTimeout(CONNECT_MS, () => fail(new Error('it did not answer in time')))
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
