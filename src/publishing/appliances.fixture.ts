/** For tests: a manager and appliances in one process, with a line between them that fails on demand. */

import { type Account, may } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { Manager } from '../manager/index.ts'
import { newNonce } from '../manager-protocol/index.ts'
import { packPieces, Rulesets } from '../rulesets/index.ts'
import { type Installation, openInstallation, planner } from '../rulesets/installation.fixture.ts'
import { type Micros, now } from '../store/index.ts'
import { parse } from '../yara/index.ts'
import { Follower } from './follower.ts'
import type { ManagerLink } from './manager-client.ts'
import { PublicationOutbox } from './outbox.ts'
import { PublicationSender } from './publication-sender.ts'
import { Receiver } from './receiver.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} } as never

/** `refused`: nothing arrives; `lost`: it is done, and the answer does not arrive. */
export type Fault = 'none' | 'refused' | 'lost'

export class MadeManager {
  readonly manager: Manager
  readonly installation: Installation
  /** By which its clock is ahead. */
  ahead: Micros = 0

  private constructor(installation: Installation) {
    this.installation = installation
    const clock = () => now() + this.ahead
    const day = 24 * 60 * 60_000
    this.manager = new Manager({ store: installation.store, log: silent, awayMs: 660_000, keptMs: 90 * day, clock })
  }

  static async open(): Promise<MadeManager> {
    return new MadeManager(await openInstallation())
  }
}

export class MadeAppliance {
  readonly name: string
  readonly installation: Installation
  readonly rulesets: Rulesets
  readonly receiver: Receiver
  readonly follower: Follower
  readonly sender: PublicationSender
  /** Its follower as after a start: it knows what is stored alone. */
  readonly restarted: () => Follower
  /** Asked before each request. */
  fault: () => Fault = () => 'none'

  /** Texts that do not run here, although they are well written. */
  cannotRun: (content: string) => boolean = () => false

  private constructor(name: string, token: string, installation: Installation, to: () => Manager, lastWins: boolean) {
    this.name = name
    this.installation = installation
    const { store, accounts } = installation
    const checker = {
      check: async (content: string) => {
        const { diagnostics } = parse(content)
        if (this.cannotRun(content)) return { valid: false, diagnostics: [] }
        return { valid: diagnostics.every(({ severity }) => severity !== 'error'), diagnostics }
      },
    }
    const outbox = { wake() {}, hasManager: () => true, mayPublish: (by: Account) => may(by, 'rulesets.publish') }
    this.rulesets = new Rulesets({ store, checker, planner, observers: [new PublicationOutbox(outbox)] })
    const client = this.#link(token, to)
    const { rulesets } = this
    this.receiver = new Receiver({ store, rulesets, accounts, client, lastWins })
    const { receiver } = this
    const program = async () => ({ version: '1', engine: 'made' })
    const follower = { store, receiver, key: null, log: silent, program }
    this.follower = new Follower({ ...follower, client })
    this.restarted = () => new Follower({ ...follower, client: this.#link(token, to) })
    const lifetime = new AbortController().signal
    const onSettled = () => {}
    this.sender = new PublicationSender({ store, client, receiver, lastWins, log: silent, lifetime, onSettled })
  }

  static async join(manager: MadeManager, name: string, { lastWins = false } = {}): Promise<MadeAppliance> {
    const token = await manager.manager.add(name)
    return new MadeAppliance(name, token, await openInstallation(), () => manager.manager, lastWins)
  }

  /** As a user with `publish=true`. */
  async publish(name: string, content: string, replaces?: number): Promise<void> {
    await this.rulesets.save(this.installation.admin, {
      name,
      content,
      publishAs: 'admin',
      ...(replaces !== undefined && { replaces }),
    })
  }

  /** Sends what waits and takes what there is, as long as the line holds. */
  async step(): Promise<void> {
    const never = new AbortController().signal
    await this.installation.store.publications.makeDue(0)
    try {
      while (await this.follower.follow(0, null, never));
      await this.sendAll()
      while (await this.follower.follow(0, null, never));
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
  }

  async sendAll(): Promise<void> {
    const { publications } = this.installation.store
    for (const name of await publications.findDue(Number.MAX_SAFE_INTEGER, 1_000)) {
      for (let last = 0; ; ) {
        const first = await publications.first(name)
        if (!first || first.id === last) break
        last = first.id
        await this.sender.send(name)
      }
    }
  }

  /** Names with text and switch, of everything that is here. */
  async rules(): Promise<Record<string, string>> {
    const query = { type: 'user', status: 'all', source: 'all', page: null } as const
    const { results } = await this.rulesets.list(this.installation.admin, query)
    const entries = results.map(async ({ name, enabled }) => [
      name,
      `${enabled ? '+' : '-'}${await this.rulesets.content(name)}`,
    ])
    return Object.fromEntries(await Promise.all(entries))
  }

  /** Every text that was ever here and still is: of current and earlier revisions. */
  async texts(name: string): Promise<string[]> {
    const revisions = await this.rulesets.revisions(name).catch(() => [])
    return Promise.all(revisions.map(async ({ number }) => (await this.rulesets.revision(name, number)).content))
  }

  #link(token: string, to: () => Manager): ManagerLink {
    const ask = async <T>(work: (manager: Manager, by: { id: number; name: string }) => Promise<T>): Promise<T> => {
      const fault = this.fault()
      if (fault === 'refused') throw new Failure('manager.unreachable')
      const manager = to()
      const answer = await work(manager, await manager.authenticate(token))
      if (fault === 'lost') throw new Failure('manager.unreachable')
      return answer
    }
    let trusted: string | null = null
    return {
      trust: (key) => {
        trusted = key
      },
      get trusted() {
        return trusted
      },
      identity: () => ask(async (manager, { name }) => ({ appliance: name, key: await manager.publicKey() })),
      follow: (request, signal) => ask((manager, by) => manager.follow(by, request, signal)),
      snapshot: (afterName) => ask((manager) => manager.snapshot(afterName)),
      publish: (request) => ask((manager, by) => manager.publish(by, { nonce: newNonce(), ...request })),
      text: (digest) => ask(async (manager) => (await packPieces(await (await manager.text(digest)).toArray())).packed),
    }
  }
}
