/**
 * Connections to hosts that a user has named. The host has to be on the list, whether it stands in an address or in a
 * redirection; the name is looked up once, and what is connected to is the address that was found permitted. So a name
 * whose address changes between the check and the connection leads nowhere else.
 */
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { Failure, type FailureCode, messageOf } from '../errors/index.ts'
import { inNetworks } from '../settings/index.ts'
import { isHostAllowed, isPublicAddress } from './addresses.ts'

const CONNECT_MS = 20_000

/** Where connections may go. */
export interface NetworkRules {
  /** `github.com`, `*.github.com`, or `*` for every host. */
  readonly hosts: readonly string[]
  /** Networks of addresses that are not public and may be reached all the same, such as `10.1.0.0/16`. */
  readonly networks: readonly string[]
  /** A file with the certificates (PEM) that servers are believed by; '' for the well-known authorities. */
  readonly ca: string
}

/** How refusals are worded: what the connections are for, and the options that permit them. */
export interface NetworkWords {
  readonly refused: FailureCode
  readonly unreachable: FailureCode
  /** Before the name of a host: `Rules may not be fetched from`. */
  readonly notAllowed: string
  readonly hostsOption: string
  readonly networksOption: string
}

export class Connections {
  readonly #rules: NetworkRules
  readonly #words: NetworkWords

  constructor(rules: NetworkRules, words: NetworkWords) {
    this.#rules = rules
    this.#words = words
  }

  /** Fails with the code of a refusal for a host that is not on the list. Looks nothing up. */
  demandHost(host: string): void {
    const { hosts } = this.#rules
    if (isHostAllowed(host, hosts)) return
    const { refused, notAllowed, hostsOption } = this.#words
    const list = hosts.join(', ') || 'none'
    throw new Failure(refused, `${notAllowed} ${host}: it is not one of ${hostsOption} (${list}).`)
  }

  /**
   * The addresses of the host that may be connected to: those in the permitted networks, and unless `onlyPermitted`
   * public ones. Fails where there is none.
   */
  async addressesOf(host: string, onlyPermitted = false): Promise<string[]> {
    this.demandHost(host)
    const { refused, unreachable, networksOption } = this.#words
    const found = await lookup(host, { all: true }).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException
      const why = code === 'ENOTFOUND' ? 'there is no host of that name' : messageOf(error)
      throw new Failure(unreachable, `${host} cannot be reached: ${why}.`)
    })
    const addresses = found.map(({ address }) => address)
    const isOwn = inNetworks(this.#rules.networks)
    const permitted = addresses.filter((one) => isOwn(one) || (!onlyPermitted && isPublicAddress(one)))
    if (permitted.length > 0) return permitted
    const why = onlyPermitted ? 'to which nothing is sent without https' : 'which is not a public one'
    throw new Failure(refused, `${host} has the address ${addresses[0]}, ${why}; ${networksOption} can permit it.`)
  }

  async connect(host: string, port: number, onlyPermitted = false): Promise<Socket> {
    const { unreachable } = this.#words
    let problem: Failure | null = null
    for (const address of await this.addressesOf(host, onlyPermitted)) {
      const socket = await opened(address, port).catch((error: unknown) => {
        problem = new Failure(unreachable, `${host} cannot be reached: ${messageOf(error)}.`)
        return null
      })
      if (socket !== null) return socket
    }
    throw problem ?? new Failure(unreachable, `${host} has no address.`)
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
        reject(new Failure(this.#words.unreachable, `There is no secure connection to ${host}: ${error.message}.`))
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
