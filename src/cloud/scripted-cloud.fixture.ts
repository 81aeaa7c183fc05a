/**
 * A cloud that answers what a test says, in the protocol's own shapes: for what no real cloud does on command, such as
 * a page that ends inside a second, or a clock of its own.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { type FeedKind, feedEnd, feedNames, toMailTime } from '../tca/index.ts'

export interface ScriptedEntry {
  readonly second: number
  readonly sha1: string
  readonly ruleset: string
  readonly text: string
  readonly rules: readonly string[]
}

export interface ScriptedAnswer {
  readonly status: number
  readonly body: unknown
}

export class ScriptedCloud {
  readonly url: string
  /** What was asked, such as `GET /api/yara/admin/v1/ruleset`. */
  readonly asked: string[] = []
  /** Texts by name. */
  readonly rulesets = new Map<string, string>()
  readonly entries: Record<FeedKind, ScriptedEntry[]> = { live: [], retro: [] }
  /** The cloud's clock, in seconds. */
  second = 1_700_000_000
  /** Entries after which a page is cut, at the end of the second; and, with `cutsInside`, in the middle of it. */
  pageEntries = 1_000
  cutsInside = false
  /** Answers in the cloud's place, which does nothing then; with `cut` it does what it is asked, and the answer is lost. */
  instead: (asked: string) => ScriptedAnswer | 'cut' | undefined = () => undefined

  private constructor(server: Server) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => void this.#answer(request, response))
  }

  static async start(t: TestContext): Promise<ScriptedCloud> {
    const server = createServer({ keepAlive: false })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(async () => {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    })
    return new ScriptedCloud(server)
  }

  count(beginning: string): number {
    return this.asked.filter((each) => each.startsWith(beginning)).length
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = `${request.method} ${request.url}`
    this.asked.push(asked)
    const sent = await text(request)
    const instead = this.instead(asked)
    const { status, body } = typeof instead === 'object' ? instead : this.#own(asked, sent)
    if (instead === 'cut') return void response.destroy()
    response.writeHead(status, { date: new Date(this.second * 1000).toUTCString() })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  #own(asked: string, body: string): ScriptedAnswer {
    const [method, path = ''] = asked.split(' ')
    const feed = /^\/api\/feed\/yara\/(retro\/)?v1\/query\/timestamp\/(\d+)/.exec(path)
    if (feed) return { status: 200, body: this.#page(feed[1] ? 'retro' : 'live', Number(feed[2])) }
    const [, name = '', part] = /^\/api\/yara\/admin\/v1\/ruleset(?:\/([\w-]+)(?:\/([\w-]+))?)?$/.exec(path) ?? []
    if (method === 'POST' && name === '') {
      const { ruleset_name, text } = JSON.parse(body)
      if (this.rulesets.has(ruleset_name)) return { status: 400, body: 'There is one of that name.' }
      this.rulesets.set(ruleset_name, text)
      return { status: 200, body: { ruleset_name, ruleset_sha1: sha1(text) } }
    }
    if (name === '') return { status: 200, body: [...this.rulesets.keys()] }
    const known = this.rulesets.get(name)
    if (known === undefined) return { status: 404, body: 'There is none of that name.' }
    if (method === 'DELETE') this.rulesets.delete(name)
    if (part === 'text') return { status: 200, body: { text: known } }
    return { status: 200, body: { ruleset_name: name, valid: true, approved: true } }
  }

  #page(kind: FeedKind, from: number) {
    const end = Math.min(feedEnd(from), this.second)
    const all = this.entries[kind]
      .filter(({ second }) => second >= from && second <= end)
      .sort((a, b) => a.second - b.second)
    const last = all[this.pageEntries - 1]?.second
    const isCut = last !== undefined && all.length > this.pageEntries
    const inside = all.slice(0, this.pageEntries)
    const entries = this.cutsInside ? inside : isCut ? all.filter(({ second }) => second <= last) : all
    return {
      rl: {
        feed: {
          name: feedNames[kind],
          last_timestamp: isCut ? last : end,
          time_range: { from: toMailTime(from), to: toMailTime(isCut ? last : end) },
          entries: entries.map(({ second, ruleset, text, rules, ...entry }) => ({
            ...entry,
            file_type: 'PE/Exe',
            file_size: 1_000,
            timestamp: second,
            ruleset_name: ruleset,
            ruleset_sha1: sha1(text),
            sample_available: true,
            rule: rules.map((identifier) => ({ identifier, tag: [], meta: [], matched_data: [] })),
          })),
        },
      },
    }
  }
}

/** The SHA-1 of a sample that only has a number. */
export function sampleSha1(number: number): string {
  return sha1(`sample ${number}`)
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
