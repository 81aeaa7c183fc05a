/** A cloud as a real process, and what the appliance of a tenant sends to it. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import {
  Feed,
  type FeedEntry,
  type FeedKind,
  type NewRuleset,
  type RetroState,
  RetroStatus,
  RulesetAccepted,
  tcaPath,
} from '../../src/tca/index.ts'
import { type Json, KillableServer, until } from '../faults/killable-server.ts'

export interface PlainAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Starts a cloud; requests about retro hunts are not limited unless `flags` say so. */
export async function startCloud(t: TestContext, flags: readonly string[] = []): Promise<KillableServer> {
  const cloud = new KillableServer(t, ['--role', 'cloud', '--tenant-retro-rate', '0', ...flags])
  await cloud.start()
  return cloud
}

export class Tenant {
  readonly name: string
  readonly password = randomBytes(12).toString('hex')
  readonly #cloud: KillableServer

  private constructor(cloud: KillableServer, name: string) {
    this.#cloud = cloud
    this.name = name
  }

  /** Makes the account through the operator's API. */
  static async add(cloud: KillableServer, name: string, { contributes = false } = {}): Promise<Tenant> {
    const tenant = new Tenant(cloud, name)
    const user = { name, password: tenant.password, role: 'tenant', contributes: String(contributes) }
    const { status, json } = await cloud.call('POST', '/api/users/', new URLSearchParams(user))
    assert.equal(status, 201, JSON.stringify(json))
    return tenant
  }

  get authorization(): string {
    return `Basic ${Buffer.from(`${this.name}:${this.password}`).toString('base64')}`
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<PlainAnswer> {
    const isRaw = body instanceof Uint8Array || typeof body === 'string'
    const answer = await fetch(this.#cloud.url + path, {
      method,
      headers: {
        authorization: this.authorization,
        ...(body !== undefined && { 'content-type': isRaw ? 'application/octet-stream' : 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isRaw ? (body as string) : JSON.stringify(body) }),
    })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  }

  /** The JSON of an answer with 200; fails for any other. */
  async demand(schema: TSchema | null, method: string, path: string, body?: unknown): Promise<Json> {
    const { status, headers, text } = await this.send(method, path, body)
    assert.equal(status, 200, `${method} ${path} answered ${status} ${text}`)
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    const json = JSON.parse(text)
    if (schema) assert.ok(Value.Check(schema, json), `${method} ${path} answered another shape: ${text.slice(0, 500)}`)
    return json
  }

  /** Fails unless it is refused with this status and plain text, which is returned. */
  async refused(status: number, method: string, path: string, body?: unknown): Promise<string> {
    const answer = await this.send(method, path, body)
    assert.equal(answer.status, status, `${method} ${path} answered ${answer.status} ${answer.text}`)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/)
    assert.ok(answer.text.length > 0 && !answer.text.startsWith('{'), answer.text)
    return answer.text
  }

  async create(name: string, text: string): Promise<void> {
    const body: NewRuleset = { ruleset_name: name, text, sample_available: true }
    await this.demand(RulesetAccepted, 'POST', tcaPath('rulesets', {}), body)
  }

  async startRetro(name: string): Promise<void> {
    await this.demand(RulesetAccepted, 'POST', tcaPath('startRetro', {}), { ruleset_name: name })
  }

  retro(name: string): Promise<RetroStatus> {
    return this.demand(RetroStatus, 'GET', tcaPath('retroStatus', { name }))
  }

  /** Waits until the hunt is over and gives its last status. */
  async retroEnded(name: string, state: RetroState = 'FINISHED'): Promise<RetroStatus> {
    let latest = await this.retro(name)
    await until(
      async () => {
        latest = await this.retro(name)
        return latest.retro_status !== 'RUNNING'
      },
      () => `the retro hunt of ${name} ends; it is ${JSON.stringify(latest)}`,
    )
    assert.equal(latest.retro_status, state, JSON.stringify(latest))
    return latest
  }

  page(kind: FeedKind, start: number, query = 'format=json'): Promise<Feed> {
    const route = kind === 'live' ? 'liveFeed' : 'retroFeed'
    return this.demand(Feed, 'GET', `${tcaPath(route, { form: 'timestamp', start: String(start) })}?${query}`)
  }

  /** Every entry from a second on up to the present one, which has to pass first. */
  async feed(kind: FeedKind, start: number, query?: string): Promise<FeedEntry[]> {
    const entries: FeedEntry[] = []
    const end = Math.floor(Date.now() / 1000)
    let from = start
    await until(
      async () => {
        const { feed } = (await this.page(kind, from, query)).rl
        entries.push(...feed.entries)
        from = feed.last_timestamp + 1
        return feed.last_timestamp >= end
      },
      () => `the feed tells of second ${end}; it is at ${from - 1}`,
    )
    return entries
  }
}

/** `ruleset sha1 rules`, sorted: what a feed says, whatever the order and the times. */
export function findingsOf(entries: readonly FeedEntry[]): string[] {
  return entries
    .map(({ ruleset_name, sha1, rule }) => `${ruleset_name} ${sha1} ${rule.map(({ identifier }) => identifier).join()}`)
    .sort()
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000)
