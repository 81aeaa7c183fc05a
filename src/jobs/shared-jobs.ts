/**
 * Jobs of the server of a cluster, which nodes do too. A part of a hunt is a row of `hunt_parts`:
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
 * - What a node cannot do, and what nobody claims, the server does; so nodes can make a hunt faster and never stop it.
 * - The server keeps its own workers busy first, and takes back what it has room for, so small hunts are not shared.
 * - Rules travel once for each hunt, when its first part is offered.
 */
import { Loop } from '../background/index.ts'
import type { Log, RuleSet } from '../scanning/index.ts'
import { programVersion } from '../settings/index.ts'
import { now, type Store, type StoredNode } from '../store/index.ts'
import type { JobInput, JobKind, JobOutput } from './job.ts'
import type { Jobs } from './jobs.ts'
import { LiveNodes } from './live-nodes.ts'
import { pack, packRules, unpack } from './packing.ts'
import { placeOf } from './placement.ts'
import type { JobOptions, Work } from './work.ts'

export interface SharedJobsParts {
  readonly store: Pick<Store, 'huntParts' | 'nodes'>
  readonly work: Work
  /** Worker processes of this server. */
  readonly workers: number
  /** Whether this server does jobs while nodes live, or leaves them all. */
  readonly isWorking: boolean
  readonly log: Log
}

/** How often answers are looked for while any are due, and how often nodes are. */
const LOOK_MS = 25
const NODES_MS = 500
/** A node that has been gone for so long is not listed any more. */
const FORGOTTEN_MICROS = 60 * 60 * 1_000_000

export class SharedJobs implements Jobs {
  readonly #parts: SharedJobsParts
  readonly #nodes = new LiveNodes()
  readonly #loop = new Loop()
  /** By the id of the rule set. */
  readonly #begun = new Map<string, BegunRules>()
  /** By the id of the part, in the order in which they were offered. */
  readonly #offered = new Map<number, OfferedPart>()
  #here = 0
  #elsewhere = 0
  #nodesSeen = Number.NEGATIVE_INFINITY
  #isTakingBack = false

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

  get elsewhere(): number {
    return this.#elsewhere
  }

  get width(): number {
    return this.#roomHere() + this.#roomElsewhere()
  }

  begin(hunt: number, ruleSet: RuleSet): void {
    this.#begun.set(ruleSet.id, { hunt, ruleSet, stored: null })
  }

  async end(ruleSet: string): Promise<void> {
    const begun = this.#begun.get(ruleSet)
    this.#begun.delete(ruleSet)
    const id = await begun?.stored?.catch(() => null)
    // Where it fails now, it goes with the hunt, or at the next start.
    if (id != null) await this.#parts.store.huntParts.deleteRules(id).catch(() => {})
  }

  async run<K extends JobKind>(kind: K, input: JobInput<K>, how: JobOptions): Promise<JobOutput<K>> {
    const begun = this.#begun.get(how.ruleSet)
    if (begun !== undefined && this.#isToOffer()) {
      const found = await this.#doneElsewhere<K>(kind, input, begun, how.signal)
      if (found !== null) return found
    }
    return this.#doneHere(kind, input, how)
  }

  #isToOffer(): boolean {
    if (this.#nodes.all.length === 0) return false
    if (!this.#parts.isWorking) return true
    return this.#here >= this.#roomHere() && this.#elsewhere < this.#roomElsewhere()
  }

  #roomHere(): number {
    return this.#parts.isWorking || this.#nodes.all.length === 0 ? 2 * this.#parts.workers : 0
  }

  /** More than nodes have workers: a part takes a while to find its way. */
  #roomElsewhere(): number {
    return this.#nodes.all.reduce((sum, { workers }) => sum + partsAtOnce(workers), 0)
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
    signal: AbortSignal | undefined,
  ): Promise<JobOutput<K> | null> {
    const { store, log } = this.#parts
    this.#elsewhere++
    let id: number | null = null
    const { promise, resolve } = Promise.withResolvers<Uint8Array | null>()
    const abort = () => resolve(null)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const segment = 'segment' in input ? input.segment : null
      id = await store.huntParts.offer({
        rulesId: await this.#rulesOf(begun),
        kind,
        input: pack(input),
        wantedBy: segment === null ? null : placeOf(segment, this.#nodes.all),
        created: now(),
      })
      this.#offered.set(id, { resolve })
      this.#loop.wake()
      const output = await promise
      signal?.throwIfAborted()
      return output === null ? null : unpack<JobOutput<K>>(output)
    } catch (error) {
      signal?.throwIfAborted()
      log.warn({ hunt: begun.hunt, err: error }, 'a part of a hunt could not be shared, and is done by this server')
      return null
    } finally {
      this.#elsewhere--
      signal?.removeEventListener('abort', abort)
      // Of one that was answered or withdrawn, nothing is there any more.
      if (id !== null && this.#offered.delete(id)) await store.huntParts.delete([id]).catch(() => {})
    }
  }

  #rulesOf(begun: BegunRules): Promise<number> {
    begun.stored ??= packRules(begun.ruleSet.rulesets).then((rules) =>
      this.#parts.store.huntParts.addRules(begun.hunt, programVersion, rules),
    )
    return begun.stored
  }

  /** Milliseconds until the next look. */
  async #look(): Promise<number> {
    try {
      if (performance.now() - this.#nodesSeen >= NODES_MS) await this.#lookForNodes()
      if (this.#offered.size === 0) return NODES_MS
      await this.#takeIn()
      await this.#takeSomeBack()
      return LOOK_MS
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'parts of hunts could not be looked at, and are again soon')
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
      if (!before.some((node) => node.id === id)) log.info({ node: id, name }, 'a node works on hunts')
    for (const { id, name } of before)
      if (!this.#nodes.has(id)) log.warn({ node: id, name }, 'a node is gone or silent: others do its parts of hunts')
    const lost = holders.filter((id) => !this.#nodes.has(id))
    if (lost.length > 0) await store.huntParts.takeBack(lost)
    const forgotten = gone.filter(({ isConnected, seen }) => !isConnected && seen < now() - FORGOTTEN_MICROS)
    if (forgotten.length > 0) await store.nodes.delete(forgotten.map(({ id }) => id))
  }

  /** The ids of those who hold parts. */
  async #holders(): Promise<readonly number[]> {
    if (this.#offered.size === 0) return []
    const rows = await this.#parts.store.huntParts.list()
    const holders = rows.flatMap(({ state, nodeId }) => (state === 'claimed' && nodeId !== null ? [nodeId] : []))
    return [...new Set(holders)]
  }

  /** Takes in what is done, and finds what nobody will do. */
  async #takeIn(): Promise<void> {
    const { huntParts } = this.#parts.store
    const due = [...this.#offered.keys()]
    const rows = new Map((await huntParts.list()).map((row) => [row.id, row]))
    for (const id of due) if (!rows.has(id)) this.#answer(id, null)
    const ended = due.filter((id) => ['done', 'failed'].includes(rows.get(id)?.state ?? ''))
    if (ended.length === 0) return
    const results = await huntParts.results(ended)
    for (const { id, output, reason } of results) {
      if (reason !== null)
        this.#parts.log.warn({ node: rows.get(id)?.nodeId, reason }, 'a node could not do a part of a hunt')
      this.#answer(id, output)
    }
    await huntParts.delete(ended)
  }

  /** Takes parts back that nobody has claimed, as far as this server has room for them. */
  async #takeSomeBack(): Promise<void> {
    if (this.#isTakingBack || this.#offered.size === 0) return
    const room = this.#nodes.all.length === 0 ? this.#offered.size : this.#roomHere() - this.#here
    if (room <= 0) return
    this.#isTakingBack = true
    try {
      // The newest: nodes claim the oldest first.
      const ids = [...this.#offered.keys()].slice(-room)
      for (const id of await this.#parts.store.huntParts.withdraw(ids)) this.#answer(id, null)
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'parts of hunts could not be taken back')
    } finally {
      this.#isTakingBack = false
    }
  }

  #answer(id: number, output: Uint8Array | null): void {
    const part = this.#offered.get(id)
    this.#offered.delete(id)
    part?.resolve(output)
  }
}

/** How many parts a node with so many workers has in hand. */
export function partsAtOnce(workers: number): number {
  return 2 * workers + 2
}

interface BegunRules {
  readonly hunt: number
  readonly ruleSet: RuleSet
  /** The id of its rules in the database, once a part was offered. */
  stored: Promise<number> | null
}

interface OfferedPart {
  /** With the output; with null where this server is to do it. */
  readonly resolve: (output: Uint8Array | null) => void
}
