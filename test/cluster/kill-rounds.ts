/**
 * Rounds of SIGKILL in a cluster under load. While samples arrive, rules change, hunts run and segments are merged, a node, one
 * of two servers, a back end of PostgreSQL or the object store is killed and started anew. What was acknowledged is compared
 * with what is there in the end, and each hunt with what it had to find.
 *
 * What a hunt has to find: every marked sample that was processed before it was asked for. What it may find: marked samples
 * that came meanwhile.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { StoredSegmentFiles } from '../../src/segments/index.ts'
import { Bucket, DatabaseHealth, LocalCache, S3Contents, Scratch } from '../../src/store/index.ts'
import { openStoreOfNode } from '../../src/store/postgres/store.ts'
import { backtrail, folderWith, type Server, startServer } from '../cli/running.ts'
import { type Random, randomFrom } from '../planner/random.ts'
import { type Json, sha256 } from './client.ts'
import { type ClusterSettings, flagsOf } from './cluster.ts'
import { Rows, SOON_MS } from './rows.ts'
import { type RunningNode, startNode } from './running-nodes.ts'

export const victims = ['active server', 'other server', 'node', 'PostgreSQL', 'object store'] as const
export type Victim = (typeof victims)[number]

export interface KillRoundsOptions {
  readonly cluster: ClusterSettings
  /** Kills the object store and starts it anew; resolves when it answers. */
  readonly restartStore: () => Promise<void>
  readonly token: string
  /** What is killed; all kinds unless given. */
  readonly victims?: readonly Victim[]
  readonly rounds: number
  readonly seed: number
  /** No round is begun after so many milliseconds. */
  readonly limitMs: number
}

interface Sent {
  /** Of its upload. */
  readonly number: number
  readonly marks: readonly Mark[]
  readonly members: readonly string[]
}

/** Slow marks are few: a hunt for them takes a tenth of a second for each. */
type Mark = 'quick' | 'slow'

const texts = {
  quick: 'rule quick { strings: $a = "the marked words" condition: $a }',
  slow: 'rule slow { strings: $a = "the slow words" condition: for all i in (0..4500000) : ( i >= 0 ) and $a }',
} as const

const workOfNodes = ['--hunt-work', 'nodes', '--intake-work', 'nodes']
const FIRST_SAMPLES = 24
const RULESETS = 4
/** A sample in ten has the slow words; that many of the first ones have them. */
const SLOW = 10

/** Plays the rounds in a cluster of its own processes, and fails where anything is not as it has to be. */
export async function playKillRounds(t: TestContext, options: KillRoundsOptions): Promise<void> {
  t.diagnostic(`seed ${options.seed}`)
  const rounds = new KillRounds(t, options)
  try {
    await rounds.play()
  } finally {
    await rounds.end()
  }
}

class KillRounds {
  readonly #t: TestContext
  readonly #options: KillRoundsOptions
  readonly #random: Random
  readonly #rows: Rows
  readonly #servers: Process<Server>[]
  readonly #nodes: Process<RunningNode>[]
  /** By the SHA-256 in hexadecimal, members of archives included. */
  readonly #sent = new Map<string, Sent>()
  readonly #acknowledged = new Set<string>()
  /** By name: the number of the next upload when it was acknowledged. */
  readonly #rulesets = new Map<string, number>()
  /** By id: what each hunt has to find, and with which words. */
  readonly #hunts = new Map<number, { readonly mark: Mark; readonly due: readonly string[] }>()
  readonly #verified = new Set<number>()
  readonly #times = new Map<Victim, number[]>()
  readonly #seen = { kills: 0, unanswered: 0, rulesets: 0, midHunt: 0 }
  readonly #next: Victim[] = []
  /** Of which matches are missed, by the SHA-256 in hexadecimal. */
  readonly #suspects = new Set<string>()
  #uploads = 0
  #isOver = false

  constructor(t: TestContext, options: KillRoundsOptions) {
    this.#t = t
    this.#options = options
    this.#random = randomFrom(options.seed)
    this.#rows = new Rows(options.cluster.database)
    const { cluster, token } = options
    const server = (data: string) => () =>
      startServer(t, ['--data', data, '--rate-limit', '0', ...workOfNodes, ...flagsOf(cluster)], {
        env: { BACKTRAIL_ADMIN_TOKEN: token },
      })
    const folder = folderWith(t)
    this.#servers = [0, 1].map((n) => new Process(server(join(folder, `server-${n}`))))
    this.#nodes = [0, 1].map((n) => new Process(() => startNode(t, cluster, join(folder, `node-${n}`))))
  }

  async play(): Promise<void> {
    const { rounds, limitMs } = this.#options
    const begin = performance.now()
    for (const each of [...this.#servers, ...this.#nodes]) await each.start()
    while (this.#uploads < FIRST_SAMPLES) await this.#upload(this.#uploads < SLOW ? ['quick', 'slow'] : undefined)
    const loads = [
      this.#keepOn(() => this.#upload(), 100),
      this.#keepOn(() => this.#hunt('slow'), 50),
      this.#keepOn(() => this.#hunt('quick'), 500),
      this.#keepOn(() => this.#changeRules(), 700),
    ]
    const work = Promise.all(loads)
    const kills = (async () => {
      let played = 0
      while (!this.#isOver && played < rounds && performance.now() - begin < limitMs) await this.#round(played++)
      this.#isOver = true
      return played
    })()
    // A load that fails ends the rounds with its reason.
    const [played] = await Promise.all([kills, work]).catch(async (error) => {
      this.#isOver = true
      await this.#showState()
      // What is being started would outlive the test.
      await Promise.allSettled([kills, ...loads])
      throw error
    })
    for (const line of this.#report(played)) this.#t.diagnostic(line)
    await this.#demandAll()
    assert.ok(this.#seen.midHunt > 0, 'no kill came in the middle of a hunt')
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#rows.end()
  }

  async #keepOn(work: () => Promise<void>, pauseMs: number): Promise<void> {
    while (!this.#isOver) {
      await work()
      await delay(pauseMs)
    }
  }

  async #round(n: number): Promise<void> {
    await this.#rows.until("SELECT count(*) > 0 AS holds FROM hunts WHERE state = 'running'", 'a hunt runs')
    await delay(this.#random.below(400))
    // Each kind in its turn, in another order each time; now and then two at once, but never both servers.
    const kinds = this.#options.victims ?? victims
    while (this.#next.length < 2) this.#next.push(...this.#random.shuffled(kinds))
    const killed = [...new Set(this.#next.splice(0, this.#random.once(5) ? 2 : 1))]
    if (killed.every((victim) => victim.endsWith('server'))) killed.splice(1)
    killed.sort((a, b) => Number(b === 'object store') - Number(a === 'object store'))
    const starts = await Promise.all(killed.map((victim) => this.#kill(victim)))
    const at = performance.now()
    const isMid = await this.#rows.nextCommit()
    const took = performance.now() - at
    this.#seen.kills += killed.length
    if (isMid) this.#seen.midHunt++
    for (const victim of killed) this.#times.set(victim, [...(this.#times.get(victim) ?? []), took])
    // The store first: nothing else starts without it.
    for (const start of starts) await start()
    if (n % 10 === 9) await this.#verifyHunts()
  }

  /** Gives what starts it anew. */
  async #kill(victim: Victim): Promise<() => Promise<unknown>> {
    switch (victim) {
      case 'PostgreSQL': {
        // PostgreSQL ends all other back ends then, and reads its log anew.
        while (!isKilled(this.#random.pick(await this.#rows.backEnds()))) await delay(1)
        return async () => {}
      }
      case 'object store': {
        const restarted = this.#options.restartStore()
        return () => restarted
      }
      case 'node':
        return this.#end(this.#random.pick(this.#nodes))
      default: {
        const active = await this.#rows.activeUrl()
        const isActive = (server: Process<Server>) => server.running?.url === active
        const wanted = this.#servers.filter((server) => isActive(server) === (victim === 'active server'))
        return this.#end(wanted[0] ?? this.#random.pick(this.#servers))
      }
    }
  }

  async #end(victim: Process<Server> | Process<RunningNode>): Promise<() => Promise<unknown>> {
    await victim.kill()
    return () => victim.start()
  }

  /** The answer where it was done; null where it was not, or nobody knows. Fails on any refusal that a kill does not explain. */
  async #order(method: string, path: string, body: FormData | URLSearchParams | object): Promise<Json | null> {
    const server = this.#aServer()
    if (server === null) return null
    const isForm = body instanceof FormData || body instanceof URLSearchParams
    const headers = {
      authorization: `Token ${this.#options.token}`,
      ...(!isForm && { 'content-type': 'application/json' }),
    }
    let answer: Response
    let text: string
    try {
      answer = await fetch(server.url + path, { method, headers, body: isForm ? body : JSON.stringify(body) })
      text = await answer.text()
    } catch {
      this.#seen.unanswered++
      return null
    }
    if (answer.ok) return text === '' ? {} : JSON.parse(text)
    assert.equal(answer.status, 503, `${method} ${path}: ${answer.status} ${text}`)
    this.#seen.unanswered++
    return null
  }

  #aServer(): Server | null {
    const running = this.#servers.flatMap(({ running }) => running ?? [])
    return running.length === 0 ? null : this.#random.pick(running)
  }

  /** Asks until it is answered. */
  async #ask(path: string): Promise<Json> {
    const headers = { authorization: `Token ${this.#options.token}` }
    let last: unknown
    for (const begin = performance.now(); performance.now() - begin < SOON_MS; await delay(100)) {
      const server = this.#aServer()
      if (server === null) continue
      try {
        const answer = await fetch(server.url + path, { headers })
        const text = await answer.text()
        if (answer.ok) return JSON.parse(text)
        last = `${answer.status} ${text}`
      } catch (error) {
        last = error
      }
    }
    return assert.fail(`${path} was not answered: ${last}`)
  }

  async #upload(marks = this.#someMarks()): Promise<void> {
    const number = this.#uploads++
    const unique = Buffer.from(`upload ${number} of seed ${this.#options.seed} `)
    const words = Buffer.from(
      `${marks.includes('quick') ? 'the marked words' : 'others'} ${marks.includes('slow') ? 'the slow words' : ''} `,
    )
    const fresh = (n: number) =>
      Buffer.concat([unique, Buffer.from(`${n} `), this.#random.bytes(1 + this.#random.below(8_000)), words])
    let content = fresh(0)
    let members: string[] = []
    if (number >= FIRST_SAMPLES && this.#random.once(5)) {
      const files = Array.from({ length: 1 + this.#random.below(3) }, (_, n) => ({
        name: Buffer.from(`member ${n}`),
        bytes: fresh(n + 1),
      }))
      members = files.map(({ bytes }) => sha256(bytes))
      for (const member of members) this.#sent.set(member, { number, marks, members: [] })
      // It has the words of its members, being stored and not packed.
      content = Buffer.from(storedZip(files))
    }
    this.#sent.set(sha256(content), { number, marks, members })
    const form = new FormData()
    form.append('file', new Blob([Buffer.from(content)]), `sample-${number}`)
    const answer = await this.#order('POST', '/api/submit/file/', form)
    if (answer === null) return
    assert.equal(answer.detail.sha256, sha256(content))
    this.#acknowledged.add(sha256(content))
  }

  #someMarks(): Mark[] {
    return [...(this.#random.once(2) ? ['quick' as const] : []), ...(this.#random.once(SLOW) ? ['slow' as const] : [])]
  }

  /** One of a kind at a time. */
  async #hunt(mark: Mark): Promise<void> {
    const due = [...(await this.#rows.processed())].filter((hash) => this.#sent.get(hash)?.marks.includes(mark))
    const rules = [{ name: 'hunt', content: texts[mark] }]
    const answer = await this.#order('POST', '/api/hunts/', { rules })
    if (answer === null) return
    this.#hunts.set(answer.id, { mark, due })
    await this.#rows.until(
      `SELECT count(*) = 0 AS holds FROM hunts WHERE id = ${answer.id} AND state IN ('queued', 'running')`,
      `hunt ${answer.id} ends`,
    )
  }

  /** A new ruleset; the oldest one of several goes. */
  async #changeRules(): Promise<void> {
    const name = `marks_${this.#seen.rulesets++}`
    const answer = await this.#order(
      'POST',
      '/api/yara/ruleset/',
      new URLSearchParams({ name, content: texts.quick.replace('rule quick', `rule ${name}`) }),
    )
    if (answer !== null) this.#rulesets.set(name, this.#uploads)
    const [oldest] = this.#rulesets.size > RULESETS ? this.#rulesets.keys() : []
    if (oldest === undefined) return
    await this.#verifyLive(oldest)
    this.#rulesets.delete(oldest)
    // One that is left over matches on and is in nobody's way.
    await this.#order('DELETE', '/api/yara/ruleset/', new URLSearchParams({ name: oldest }))
  }

  /** What was sent after a ruleset was there has its match, and nothing has that is not marked. */
  async #verifyLive(name: string): Promise<void> {
    const since = this.#rulesets.get(name) ?? 0
    const due = [...(await this.#rows.processed())].filter((hash) => {
      const { marks = [], number = 0 } = this.#sent.get(hash) ?? {}
      return marks.includes('quick') && number >= since
    })
    this.#demandFound(await this.#matchesOf(name), due, 'quick', `ruleset ${name}`)
  }

  async #matchesOf(name: string): Promise<string[]> {
    const { results } = await this.#ask(`/api/yara/v2/ruleset/matches/?name=${name}`)
    return results.map(({ sha256 }: Json) => sha256)
  }

  async #verifyHunts(): Promise<void> {
    for (const [id, { mark, due }] of this.#hunts) {
      if (this.#verified.has(id)) continue
      const { state, failure, skipped } = await this.#ask(`/api/hunts/${id}/`)
      if (state === 'queued' || state === 'running') continue
      assert.equal(state, 'completed', this.#said(`hunt ${id}: ${failure}`))
      assert.equal(skipped, 0, this.#said(`hunt ${id} passed samples over`))
      const found: string[] = []
      for (let after: number | null = 0; after !== null; ) {
        const page: Json = await this.#ask(`/api/hunts/${id}/results/?limit=1000&after=${after}`)
        found.push(...page.results.map(({ sha256 }: Json) => sha256))
        after = page.next_after
      }
      this.#demandFound(found, due, mark, `hunt ${id}`)
      this.#verified.add(id)
    }
  }

  #demandFound(found: readonly string[], due: readonly string[], mark: Mark, by: string): void {
    const set = new Set(found)
    assert.equal(set.size, found.length, this.#said(`${by} has found something twice`))
    const missed = due.filter((hash) => !set.has(hash))
    for (const hash of missed) this.#suspects.add(hash)
    assert.deepEqual(missed, [], this.#said(`${by} has not found ${missed.length} of ${due.length}`))
    const wrong = found.filter((hash) => !this.#sent.get(hash)?.marks.includes(mark))
    assert.deepEqual(wrong, [], this.#said(`${by} has found what has no ${mark} words`))
  }

  #said(what: string): string {
    return `seed ${this.#options.seed}: ${what}`
  }

  #report(played: number): string[] {
    const { kills, unanswered, rulesets, midHunt } = this.#seen
    const times = [...this.#times].map(([victim, all]) => {
      const sorted = all.toSorted((a, b) => a - b)
      const median = sorted[Math.floor(sorted.length / 2)] ?? 0
      return `${victim}: ${all.length} kills, next commit after ${Math.round(median)} ms, ${Math.round(sorted.at(-1) ?? 0)} ms at worst`
    })
    return [
      `${played} rounds, ${kills} kills, ${midHunt} in the middle of a hunt; ${this.#uploads} uploads, ${this.#acknowledged.size} acknowledged, ` +
        `${unanswered} orders without an answer, ${this.#hunts.size} hunts, ${rulesets} rulesets`,
      ...times,
    ]
  }

  /** What whoever looks for the reason of a failure asks first. */
  async #showState(): Promise<void> {
    const tables = {
      hunts: "SELECT id, state, cursor, last_sample_id, processed, fence FROM hunts WHERE state <> 'completed'",
      parts: 'SELECT id, kind, state, node_id, fence, created FROM hunt_parts',
      generation: "SELECT value FROM settings WHERE key = 'ruleset-generation'",
      rulesets: 'SELECT id, name FROM rulesets ORDER BY id',
      errors: 'SELECT * FROM scan_errors ORDER BY sample_id DESC LIMIT 20',
      ...Object.fromEntries(
        [...this.#suspects].map((hash) => [
          `missed ${hash}`,
          `SELECT s.*, m.* FROM samples s LEFT JOIN matches m ON m.sample_id = s.id WHERE s.sha256 = '\\x${hash}'`,
        ]),
      ),
    }
    for (const hash of this.#suspects) this.#t.diagnostic(`${hash} was sent as ${JSON.stringify(this.#sent.get(hash))}`)
    for (const [name, sql] of Object.entries(tables))
      this.#t.diagnostic(`${name}: ${JSON.stringify(await this.#rows.rows(sql).catch(String))}`)
    for (const { running } of [...this.#servers, ...this.#nodes])
      this.#t.diagnostic(running === null ? 'not running' : running.stderr().split('\n').slice(-40).join('\n'))
  }

  async #demandAll(): Promise<void> {
    await this.#rows.until("SELECT count(*) = 0 AS holds FROM samples WHERE state = 'queued'", 'no sample is queued')
    await this.#rows.until(
      "SELECT count(*) = 0 AS holds FROM hunts WHERE state IN ('queued', 'starting', 'running')",
      'all hunts have ended',
    )
    await this.#verifyHunts()
    assert.equal(this.#verified.size, this.#hunts.size)
    for (const name of this.#rulesets.keys()) await this.#verifyLive(name)
    const present = await this.#rows.processed()
    const lost = [...this.#acknowledged].filter((hash) => !present.has(hash))
    assert.deepEqual(lost, [], this.#said('acknowledged samples are not there'))
    const unpacked = [...present].flatMap((hash) => this.#sent.get(hash)?.members ?? [])
    assert.deepEqual(
      unpacked.filter((hash) => !present.has(hash)),
      [],
      this.#said('members of archives are not there'),
    )
    assert.deepEqual(
      [...present].filter((hash) => !this.#sent.has(hash)),
      [],
      this.#said('nobody has sent these'),
    )
    await this.#demandRetro(present)
    await this.#demandRows()
    await this.#demandObjects(present)
    const [server] = this.#servers
    const by = ['--server', server?.running?.url ?? '', '--token', this.#options.token]
    const { code, stdout, stderr } = await backtrail(['check', ...by], { timeoutMs: SOON_MS })
    assert.equal(code, 0, this.#said(`${stdout}${stderr}`))
  }

  /** Local Retro over all: every ruleset has each marked sample, once. */
  async #demandRetro(present: ReadonlySet<string>): Promise<void> {
    const started = await this.#order(
      'POST',
      '/api/uploads/local-retro-hunt/',
      new URLSearchParams({ operation: 'START' }),
    )
    assert.ok(started)
    await this.#rows.until(
      "SELECT count(*) = 0 AS holds FROM hunts WHERE state IN ('queued', 'starting', 'running')",
      'Local Retro has ended',
    )
    const marked = [...present].filter((hash) => this.#sent.get(hash)?.marks.includes('quick')).sort()
    for (const name of this.#rulesets.keys())
      assert.deepEqual((await this.#matchesOf(name)).sort(), marked, this.#said(`matches of ${name}`))
  }

  async #demandRows(): Promise<void> {
    const { rows } = this.#rows
    const none = async (sql: string) => assert.deepEqual(await rows.call(this.#rows, sql), [], this.#said(sql))
    await none(
      'SELECT ruleset_id, sample_id FROM matches GROUP BY ruleset_id, sample_id, rule, name HAVING count(*) > 1',
    )
    // Each sample is in one live segment, and each live segment has the samples that it was written with.
    await none(`
      SELECT g.id, g.samples, count(s.id) FROM segments g LEFT JOIN samples s ON s.segment_id = g.id
      WHERE g.state = 'live' GROUP BY g.id HAVING count(s.id) <> g.samples`)
    await none(
      "SELECT s.id FROM samples s LEFT JOIN segments g ON g.id = s.segment_id AND g.state = 'live' WHERE g.id IS NULL",
    )
    await none("SELECT id FROM hunts WHERE state <> 'completed'")
    await none('SELECT id FROM hunt_parts')
    // Those of no hunt are what runs live.
    await none('SELECT id FROM hunt_part_rules WHERE hunt_id IS NOT NULL')
    await none('SELECT sample_id FROM intake_states')
  }

  /** What the janitor would do a day later; after that there is an object for each row, and a row for each object. */
  async #demandObjects(present: ReadonlySet<string>): Promise<void> {
    const { cluster } = this.#options
    const bucket = await Bucket.open({
      store: cluster.store,
      endpoint: cluster.storeEndpoint,
      region: 'us-east-1',
      pathStyle: true,
      credentials: cluster.storeCredentials,
      ca: '',
    })
    const folder = folderWith(this.#t)
    const scratch = await Scratch.open(folder)
    const cache = await LocalCache.open({
      folder: join(folder, 'cache'),
      limit: 1 << 20,
      isName: () => true,
      keepsOverBoots: () => false,
    })
    const store = await openStoreOfNode(cluster.database, new DatabaseHealth())
    try {
      const later = Date.now() + 2 * 24 * 60 * 60 * 1_000
      const contents = new S3Contents({ bucket, cache, scratch, onLeft: (error) => assert.fail(String(error)) })
      let swept = 0
      for (let byte = 0; byte < 256; byte++) swept += await contents.sweep(byte, store.samples, later)
      const files = new StoredSegmentFiles({ bucket, cache, scratch, clock: () => later })
      const named = async () =>
        new Set((await this.#rows.rows('SELECT file FROM segments')).map(({ file }) => String(file)))
      swept += await files.sweep(named)
      this.#t.diagnostic(`${swept} objects without a row were swept`)
      const objects: string[] = []
      for (let byte = 0; byte < 256; byte++) objects.push(...(await contents.list(byte)))
      assert.deepEqual(objects.sort(), [...present].sort(), this.#said('contents and rows are not the same'))
      const segments = await files.sizes()
      const rows = await this.#rows.rows('SELECT file, state, bytes FROM segments')
      for (const { file, state, bytes } of rows)
        if (state === 'live') assert.equal(segments.get(String(file)), Number(bytes), this.#said(`segment ${file}`))
      const ofRows = new Set(rows.map(({ file }) => file))
      assert.deepEqual(
        [...segments.keys()].filter((file) => !ofRows.has(file)),
        [],
        this.#said('segments without a row'),
      )
    } finally {
      await store.close()
      await scratch.close()
      bucket.close()
    }
  }
}

/** One that is killed and started again. */
class Process<T extends { stop(signal: NodeJS.Signals): Promise<unknown> }> {
  readonly #begin: () => Promise<T>
  running: T | null = null

  constructor(begin: () => Promise<T>) {
    this.#begin = begin
  }

  async start(): Promise<void> {
    this.running = await this.#begin()
  }

  async kill(): Promise<void> {
    const { running } = this
    this.running = null
    await running?.stop('SIGKILL')
  }
}

/** False where it has ended by itself. */
function isKilled(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}
