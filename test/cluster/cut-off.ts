/**
 * A network of its own for a process, with a way to PostgreSQL and one to the object store that can be cut: what is sent there
 * is lost in both directions, and nobody hears of it, as when a switch fails. It is a network namespace, and each way a pair of
 * virtual links; a way is cut by giving both ends the hardware address of nobody for each other.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { skipWithout } from '../http/harness.ts'
import type { ClusterSettings } from './cluster.ts'

const REASON =
  'CUTS OF THE NETWORK ARE NOT TESTED: this is not root, there is no ip (apt-get install iproute2), or no namespaces are to be had'

/**
 * False where networks can be cut, else why tests that do it are skipped. A container may be given no networks, which nothing
 * that is installed changes: then they are skipped where nothing else may be.
 */
export const noNetworks =
  spawnSync('ip', ['-V']).status === 0 ? !mayMakeNetworks() && REASON : skipWithout(false, REASON)

function mayMakeNetworks(): boolean {
  if (process.getuid?.() !== 0) return false
  const name = `bt-try-${process.pid}`
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return false
  const link = spawnSync('ip', [
    'link',
    'add',
    `btt${process.pid}`,
    'type',
    'veth',
    'peer',
    'name',
    'in',
    'netns',
    name,
  ])
  // The links go with it.
  spawnSync('ip', ['netns', 'delete', name])
  return link.status === 0
}

/** `clients` leads to the process, and is not cut. */
const ways = ['database', 'store', 'clients'] as const
export type Way = Exclude<(typeof ways)[number], 'clients'>

interface Ends {
  /** On this machine: name of the link and address. */
  readonly link: string
  readonly outside: string
  /** In the namespace, where the link has the name of the way. */
  readonly inside: string
}

const NOBODY = ['lladdr', '02:00:00:00:00:99', 'nud', 'permanent']

export class CutOff {
  /** To be put before a command that runs in it. */
  readonly within: readonly string[]
  /** The same database and store, as they are reached from there. */
  readonly cluster: ClusterSettings
  readonly #name: string
  readonly #ends: Readonly<Record<(typeof ways)[number], Ends>>

  private constructor(name: string, ends: Readonly<Record<(typeof ways)[number], Ends>>, cluster: ClusterSettings) {
    this.#name = name
    this.#ends = ends
    this.within = ['ip', 'netns', 'exec', name]
    this.cluster = cluster
  }

  /** Goes when the test ends. Its processes are to have ended then. */
  static async open(t: TestContext, cluster: ClusterSettings): Promise<CutOff> {
    const id = `${process.pid.toString(36)}${randomInt(36 ** 2).toString(36)}`
    const name = `bt-${id}`
    ip('netns', 'add', name)
    t.after(() => ip('netns', 'delete', name))
    ip('-n', name, 'link', 'set', 'lo', 'up')
    // What was lost is sent again within a second once a way is healed, where Linux can do that (6.15).
    spawnSync('ip', ['netns', 'exec', name, 'sh', '-c', 'echo 1000 2> /dev/null > /proc/sys/net/ipv4/tcp_rto_max_ms'])
    const net = `10.231.${randomInt(256)}`
    const first = 16 * randomInt(16)
    const made = ways.map((way, n) => {
      const link = `bt${id}${n}`
      const [outside, inside] = [`${net}.${first + 4 * n + 1}`, `${net}.${first + 4 * n + 2}`]
      ip('link', 'add', link, 'type', 'veth', 'peer', 'name', way, 'netns', name)
      ip('address', 'add', `${outside}/30`, 'dev', link)
      ip('link', 'set', link, 'up')
      ip('-n', name, 'address', 'add', `${inside}/30`, 'dev', way)
      ip('-n', name, 'link', 'set', way, 'up')
      return [way, { link, outside, inside }] as const
    })
    const ends = Object.fromEntries(made) as Record<(typeof ways)[number], Ends>
    const database = new URL(cluster.database.replace('@/', '@here/'))
    const socket = `${database.searchParams.get('host')}/.s.PGSQL.5432`
    const toDatabase = await passage(t, ends.database.outside, { path: socket })
    const endpoint = new URL(cluster.storeEndpoint)
    const toStore = await passage(t, ends.store.outside, { host: endpoint.hostname, port: Number(endpoint.port) })
    return new CutOff(name, ends, {
      ...cluster,
      database: `postgres://backtrail@${ends.database.outside}:${toDatabase}${database.pathname}`,
      storeEndpoint: `http://${ends.store.outside}:${toStore}`,
    })
  }

  /** Of a process in it, as clients on this machine reach it. */
  get address(): string {
    return this.#ends.clients.inside
  }

  cut(way: Way): void {
    const { link, outside, inside } = this.#ends[way]
    ip('neighbour', 'replace', inside, 'dev', link, ...NOBODY)
    ip('-n', this.#name, 'neighbour', 'replace', outside, 'dev', way, ...NOBODY)
  }

  heal(way: Way): void {
    const { link, outside, inside } = this.#ends[way]
    ip('neighbour', 'delete', inside, 'dev', link)
    ip('-n', this.#name, 'neighbour', 'delete', outside, 'dev', way)
  }
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Listens at an address of this machine for what is to go elsewhere on it; gives the port. */
async function passage(t: TestContext, host: string, to: NetConnectOpts): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer((from) => {
    const onward = connect(to)
    const ends = [from, onward] as const
    const end = () => {
      for (const each of ends) {
        each.destroy()
        open.delete(each)
      }
    }
    for (const each of ends) open.add(each.on('error', end).on('close', end))
    from.pipe(onward).pipe(from)
  })
  t.after(() => {
    server.close()
    for (const each of open) each.destroy()
  })
  await once(server.listen(0, host), 'listening')
  return (server.address() as AddressInfo).port
}
