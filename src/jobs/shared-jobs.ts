/**
 * Jobs of the server of a cluster, which nodes do too. A part is a job that is offered to them, as a row of `hunt_parts`:
 *
 *             claim (fence + 1)            settle
 *   offered ──────────────────▶ claimed ───────────▶ done   ──┐
 *    ▲   │                       │   │      fail               ├──▶ taken in by the server, and deleted
 *    │   │ withdraw              │   └───────────────▶ failed ─┘
 *    │   ▼                       │
 *    │ (done by the server)      │ its node is gone or silent
 *    └───────────────────────────┘ (fence + 1)
 *
 * - Settling under another fence changes no row: what a node finds that was given up comes too late and is thrown away.
 * - What a node cannot do, and what nobody claims, the server does; so nodes can make work faster and never stop it.
 * - The server keeps its own workers busy first, and takes back what it has room for, so small hunts are not shared.
 * - One that leaves hunts to nodes works on them too once a part was unclaimed for seconds: nodes may live and not reach the object
 *   store. It leaves them to nodes again when one brings a result, or a minute later.
 * - Rules travel once for each hunt, and for each change of the live set, when the first part with them is offered.
 * - Nodes of another version, or with other builds of the engines, live, and are given nothing: they do not count.
 */
import { Loop } from '../background/index.ts'
import type { Log, RuleSet } from '../scanning/index.ts'
import { now, type Store, type StoredNode } from '../store/index.ts'
import { type JobInput, type JobKind, type JobOutput, type Lane, lanes, partsAtOnce } from './job.ts'
import type { Jobs, ShareOptions } from './jobs.ts'
import { LiveNodes } from './live-nodes.ts'
import { pack, packRules, unpack } from './packing.ts'
import { placeOf } from './placement.ts'
import type { JobOptions, Work } from './work.ts'

export interface SharedJobsParts {
  readonly store: Pick<Store, 'huntParts' | 'nodes'>
  readonly work: Work
  /** Of nodes that take what this server offers: `workVersion`. */
  readonly version: string
  /** Worker processes of this server. */
  readonly workers: number
  /** The lanes whose jobs this server leaves to nodes while any live. */
  readonly leaves: readonly Lane[]
  /** How long parts of hunts may be unclaimed before this server works on hunts too, in milliseconds. */
  readonly claimDelayMs?: number
  readonly log: Log
}

/** Outputs that are read at once: each may have some megabytes. */
const READ_AT_ONCE = 16
/** A part that nobody waits for is deleted at this age: the answer to its offer was lost. */
const UNKNOWN_MICROS = 60 * 1_000_000
/** How often answers are looked for while any are due, and how often nodes are. */
const LOOK_MS = 25
const NODES_MS = 500
const CLAIM_DELAY_MS = 5_000
/** A part that one node is wanted for is anybody's after this. */
const WANTED_MS = 1_000
const STALL_MS = 60_000
/** A node that has been gone for so long is not listed any more. */
const FORGOTTEN_MS = 60 * 60 * 1_000

export class SharedJobs implements Jobs {
  readonly #parts: SharedJobsParts
  readonly #nodes = new LiveNodes()
  readonly #loop = new Loop()
  /** By the id of the rule set. */
  readonly #begun = new Map<string, BegunRules>()
  /** By the id of the part, in the order in which they were offered. */
  readonly #offered = new Map<number, OfferedPart>()
  #here = 0
  readonly #elsewhere: Record<Lane, number> = { hunts: 0, intake: 0, index: 0 }
  #nodesSeen = Number.NEGATIVE_INFINITY
  #isTakingBack = false
  /** When parts of hunts were found that nodes leave unclaimed, where none has brought a result since. */
  #stalled = Number.NEGATIVE_INFINITY

  constructor(parts: SharedJobsParts) {
    this.#parts = parts
  }

  /** Throws away what an earlier server has offered, and looks for nodes from now on. */
  async start(): Promise<void> {
    await this.#parts.store.huntParts.clear()
    this.#loop.start(() => this.#look())
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
    for (const part of this.#offered.values()) part.resolve(null)
  }

  get nodes(): readonly StoredNode[] {
    return this.#nodes.all
  }

  elsewhere(lane?: Lane): number {
    return lane === undefined ? Object.values(this.#elsewhere).reduce((sum, one) => sum + one) : this.#elsewhere[lane]
  }

  isWorking(lane: Lane): boolean {
    if (!this.#parts.leaves.includes(lane) || this.#able.length === 0) return true
    return lane === 'hunts' && performance.now() - this.#stalled < STALL_MS
  }

  roomElsewhere(lane: Lane): number {
    return Math.max(0, this.#mostElsewhere(lane) - this.#elsewhere[lane])
  }

  get width(): number {
    return this.#roomHere() + this.#mostElsewhere('hunts')
  }

  begin(hunt: number | null, ruleSet: RuleSet): void {
    this.#begun.set(ruleSet.id, { hunt, ruleSet, stored: null, earlier: [] })
  }

  async end(ruleSet: string): Promise<void> {
    const begun = this.#begun.get(ruleSet)
    this.#begun.delete(ruleSet)
    for (const stored of [...(begun?.earlier ?? []), begun?.stored]) {
      const id = await stored?.catch(() => null)
      // Where it fails now, it goes with the hunt, or at the next start.
      if (id != null) await this.#parts.store.huntParts.deleteRules(id).catch(() => {})
    }
  }

  async run<K extends JobKind>(kind: K, input: JobInput<K>, how: JobOptions): Promise<JobOutput<K>> {
    const { ruleSet, signal } = how
    if (this.#begun.has(ruleSet) && this.#isToOffer()) {
      const found = await this.share(kind, input, { ruleSet, ...(signal && { signal }), isWantedBack: () => false })
      if (found !== null) return found
    }
    return this.#doneHere(kind, input, how)
  }

  async share<K extends JobKind>(kind: K, input: JobInput<K>, how: ShareOptions): Promise<JobOutput<K> | null> {
    how.signal?.throwIfAborted()
    const begun = this.#begun.get(how.ruleSet)
    return begun === undefined || this.#able.length === 0 ? null : this.#doneElsewhere(kind, input, begun, how)
  }

  /** Nodes that take what this server offers. */
  get #able(): readonly StoredNode[] {
    return this.#nodes.all.filter(({ version }) => version === this.#parts.version)
  }

  /** Whether a hunt's job is for nodes. */
  #isToOffer(): boolean {
    if (this.#able.length === 0) return false
    if (!this.isWorking('hunts')) return true
    return this.#here >= this.#roomHere() && this.roomElsewhere('hunts') > 0
  }

  #roomHere(): number {
    return this.isWorking('hunts') ? 2 * this.#parts.workers : 0
  }

  /** More than nodes have workers: a part takes a while to find its way. */
  #mostElsewhere(lane: Lane): number {
    return this.#able.reduce((sum, { workers }) => sum + partsAtOnce(lane, workers), 0)
  }

  async #doneHere<K extends JobKind>(kind: K, input: JobInput<K>, how: JobOptions): Promise<JobOutput<K>> {
    this.#here++
    try {
      return await this.#parts.work.run(kind, input, how)
    } finally {
      this.#here--
      void this.#takeSomeBack()
    }
  }

  /** Null where no node has done it. */
  async #doneElsewhere<K extends JobKind>(
    kind: K,
    input: JobInput<K>,
    begun: BegunRules,
    { signal, isWantedBack }: ShareOptions,
  ): Promise<JobOutput<K> | null> {
    const { store, log } = this.#parts
    const lane: Lane = lanes[kind]
    this.#elsewhere[lane]++
    let id: number | null = null
    const { promise, resolve } = Promise.withResolvers<Uint8Array | null>()
    const abort = () => resolve(null)
    const stored = this.#rulesOf(begun)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const segment = 'segment' in input ? input.segment : null
      const wantedBy = segment === null ? null : placeOf(segment, this.#able)
      id = await store.huntParts.offer({
        rulesId: await stored,
        kind,
        input: pack(input),
        wantedBy,
        created: now(),
      })
      this.#offered.set(id, {
        resolve,
        lane,
        since: performance.now(),
        isWantedBack,
        isClaimed: false,
        isForAll: wantedBy === null,
      })
      this.#loop.wake()
      const output = await promise
      signal?.throwIfAborted()
      return output === null ? null : answerTo(kind, input, begun.ruleSet, unpack(output))
    } catch (error) {
      if (id === null) forgetStored(begun, stored)
      signal?.throwIfAborted()
      log.warn({ lane, hunt: begun.hunt, err: error }, 'a part could not be shared, and is done by this server')
      return null
    } finally {
      this.#elsewhere[lane]--
      signal?.removeEventListener('abort', abort)
      // Of one that was answered or withdrawn, nothing is there any more.
      if (id !== null && this.#offered.delete(id)) await store.huntParts.delete([id]).catch(() => {})
    }
  }

  #rulesOf(begun: BegunRules): Promise<number> {
    begun.stored ??= packRules(begun.ruleSet.rulesets)
      .then((rules) => this.#parts.store.huntParts.addRules(begun.hunt, this.#parts.version, rules))
      .catch((error) => {
        // The next part tries once more.
        begun.stored = null
        throw error
      })
    return begun.stored
  }

  /** Milliseconds until the next look. */
  async #look(): Promise<number> {
    try {
      if (performance.now() - this.#nodesSeen >= NODES_MS) await this.#lookForNodes()
      if (this.#offered.size === 0) return NODES_MS
      const areMore = await this.#takeIn()
      await this.#takeSomeBack()
      return areMore ? 0 : LOOK_MS
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the parts of nodes could not be looked at, and are again soon')
      return NODES_MS
    }
  }

  async #lookForNodes(): Promise<void> {
    const { store, log } = this.#parts
    const before = this.#nodes.all
    // Before the nodes: so whoever holds one of them is listed, if there is such a node.
    const holders = await this.#holders()
    const gone = this.#nodes.observe(await store.nodes.list())
    this.#nodesSeen = performance.now()
    for (const { id, name } of this.#nodes.all)
      if (!before.some((node) => node.id === id)) log.info({ node: id, name }, 'a node works for this server')
    for (const { id, name } of before)
      if (!this.#nodes.has(id)) log.warn({ node: id, name }, 'a node is gone or silent: others do its parts')
    const lost = holders.filter((id) => !this.#nodes.has(id))
    if (lost.length > 0) await store.huntParts.takeBack(lost)
    const forgotten = gone.filter(({ id, isConnected }) => !isConnected && this.#nodes.silence(id) > FORGOTTEN_MS)
    if (forgotten.length > 0) await store.nodes.delete(forgotten.map(({ id }) => id))
  }

  /** The ids of those who hold parts. */
  async #holders(): Promise<readonly number[]> {
    if (this.#offered.size === 0) return []
    const rows = await this.#parts.store.huntParts.list()
    const holders = rows.flatMap(({ state, nodeId }) => (state === 'claimed' && nodeId !== null ? [nodeId] : []))
    return [...new Set(holders)]
  }

  /** Takes in some of what is done, and finds what nobody will do. True where more is done. */
  async #takeIn(): Promise<boolean> {
    const { huntParts } = this.#parts.store
    const due = [...this.#offered.keys()]
    const rows = new Map((await huntParts.list()).map((row) => [row.id, row]))
    for (const id of due) if (!rows.has(id)) this.#answer(id, null)
    this.#findStall(rows)
    await this.#offerToAll()
    const unknown = [...rows.values()].filter(({ id, created }) => !this.#offered.has(id) && isUnknown(created))
    if (unknown.length > 0) await huntParts.delete(unknown.map(({ id }) => id))
    const allEnded = due.filter((id) => ['done', 'failed'].includes(rows.get(id)?.state ?? ''))
    const ended = allEnded.slice(0, READ_AT_ONCE)
    if (ended.length === 0) return false
    const results = await huntParts.results(ended)
    for (const { id, output, reason } of results) {
      if (reason !== null) this.#parts.log.warn({ node: rows.get(id)?.nodeId, reason }, 'a node could not do a part')
      if (output !== null && this.#offered.get(id)?.lane === 'hunts') this.#stalled = Number.NEGATIVE_INFINITY
      this.#answer(id, output)
    }
    await huntParts.delete(ended)
    return ended.length < allEnded.length
  }

  #findStall(rows: ReadonlyMap<number, { readonly state: string }>): void {
    const { claimDelayMs = CLAIM_DELAY_MS, log } = this.#parts
    const present = performance.now()
    let isLate = false
    for (const [id, part] of this.#offered) {
      part.isClaimed = (rows.get(id)?.state ?? 'offered') !== 'offered'
      isLate ||= part.lane === 'hunts' && !part.isClaimed && present - part.since > claimDelayMs
    }
    if (!isLate || this.isWorking('hunts')) return
    this.#stalled = present
    log.warn({}, 'nodes leave parts of hunts unclaimed: this server does some of them')
  }

  /** What a node is wanted for and has not claimed. Waits are measured here: each machine has a clock of its own. */
  async #offerToAll(): Promise<void> {
    const present = performance.now()
    const isLate = ({ isForAll, isClaimed, since }: OfferedPart) =>
      !isForAll && !isClaimed && present - since > WANTED_MS
    const late = [...this.#offered].filter(([, part]) => isLate(part))
    if (late.length === 0) return
    await this.#parts.store.huntParts.offerToAll(late.map(([id]) => id))
    for (const [, part] of late) part.isForAll = true
  }

  /** Takes parts back that nobody has claimed, as far as this server has room for them. */
  async #takeSomeBack(): Promise<void> {
    if (this.#isTakingBack || this.#offered.size === 0) return
    const ids = this.#wantedBack()
    if (ids.length === 0) return
    this.#isTakingBack = true
    try {
      for (const id of await this.#parts.store.huntParts.withdraw(ids)) this.#answer(id, null)
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'parts could not be taken back from nodes')
    } finally {
      this.#isTakingBack = false
    }
  }

  /** Of those that were offered, the ids of those that this server would do now. */
  #wantedBack(): readonly number[] {
    const all = [...this.#offered]
    if (this.#able.length === 0) return all.map(([id]) => id)
    const present = performance.now()
    const room = this.#roomHere() - this.#here
    // The newest: nodes claim the oldest first.
    const unclaimed = all.filter(([, { lane, isClaimed }]) => lane === 'hunts' && !isClaimed)
    const ofHunts = room <= 0 ? [] : unclaimed.slice(-room)
    const others = all.filter(([, { since, isWantedBack }]) => isWantedBack(present - since))
    return [...ofHunts, ...others].map(([id]) => id)
  }

  #answer(id: number, output: Uint8Array | null): void {
    const part = this.#offered.get(id)
    this.#offered.delete(id)
    part?.resolve(output)
  }
}

const isUnknown = (created: number): boolean => created < now() - UNKNOWN_MICROS

/** A part could not be offered with them: they may be gone, as after a crash of the database. The next part stores them anew. */
function forgetStored(begun: BegunRules, stored: Promise<number>): void {
  if (begun.stored !== stored) return
  begun.stored = null
  begun.earlier.push(stored)
}

/** Throws where a node has not answered what it was asked: the part is done by the server then. */
function answerTo<K extends JobKind>(
  kind: K,
  input: JobInput<K>,
  { rulesets }: RuleSet,
  output: unknown,
): JobOutput<K> {
  if (kind === 'verify') {
    const { items } = input as JobInput<'verify'>
    const { results } = output as JobOutput<'verify'>
    if (results.length !== items.length || results.some(({ sample }, n) => sample !== items[n]?.sample))
      throw new Error('A node has answered for other samples than those that it was asked for.')
    // It may be its copy, or its disk: here the sample is read once more.
    const unread = results.find(({ errors: [first] }) => first?.reason === 'unreadable')
    if (unread !== undefined) throw new Error(`A node could not read sample ${unread.sample}.`)
  }
  if (kind === 'evaluate') {
    const asked = new Set((input as JobInput<'evaluate'>).rulesets ?? rulesets.map(({ key }) => key))
    const { candidates } = output as JobOutput<'evaluate'>
    if (candidates.some(({ ruleset }) => !asked.has(ruleset)))
      throw new Error('A node has answered for a ruleset that it was not asked for.')
  }
  return output as JobOutput<K>
}

interface BegunRules {
  readonly hunt: number | null
  readonly ruleSet: RuleSet
  /** The id of its rules in the database, once a part was offered. */
  stored: Promise<number> | null
  /** Those of rules that were stored before, and may be gone. */
  readonly earlier: Promise<number>[]
}

interface OfferedPart {
  /** With the output; with null where this server is to do it. */
  readonly resolve: (output: Uint8Array | null) => void
  readonly lane: Lane
  readonly since: number
  readonly isWantedBack: (ageMs: number) => boolean
  /** As it was at the last look. */
  isClaimed: boolean
  /** Else one node is wanted for it. */
  isForAll: boolean
}
