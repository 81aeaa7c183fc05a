/**
 * The only way out of a fetching process: every connection, of git as of a download, is opened here, and all bytes that
 * come in are counted.
 */
import { Failure } from '../../errors/index.ts'
import { Connections, type NetworkRules, type NetworkWords } from '../../network/index.ts'

const words: NetworkWords = {
  refused: 'source.refused',
  unreachable: 'source.unreachable',
  notAllowed: 'Rules may not be fetched from',
  hostsOption: '--rule-source-hosts',
  networksOption: '--rule-source-networks',
}

/** Its failures are `source.refused` and `source.unreachable`. */
export class Network extends Connections {
  readonly #mostBytes: number
  #bytes = 0

  constructor(rules: NetworkRules, mostBytes: number) {
    super(rules, words)
    this.#mostBytes = mostBytes
  }

  /** To be called with all that comes in. `source.too-large`. */
  count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#mostBytes) {
      throw new Failure('source.too-large', `It is larger than a source may be: ${this.#mostBytes} bytes.`)
    }
  }
}

/** Fails with `source.refused` for a host that is not on the list. */
export function demandHost(host: string, rules: NetworkRules): void {
  new Connections(rules, words).demandHost(host)
}
