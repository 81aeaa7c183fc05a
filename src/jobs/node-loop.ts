/**
 * What a node does: it claims parts, does them with its own workers and its own copies, and settles them.
 *
 * - Every half second it gives a sign of life, and looks which parts are still its own: the others' hunts have ended, or
 *   somebody else was given them. Work on those is stopped.
 * - What it cannot do it leaves to the server, and pauses: its disk, or its way to the object store, may be at fault. It claims one
 *   part of a kind at a time then, until it has done one, since a part that waits for the store keeps its hunt waiting.
 * - A copy of a segment that is damaged is fetched anew before the segment is given up.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Loop } from '../background/index.ts'
import { Failure, messageOf } from '../errors/index.ts'
import type { Log, RuleSet, WorkerPool } from '../scanning/index.ts'
import type { SegmentFiles } from '../segments/index.ts'
import { type ClaimedHuntPart, now, type Store } from '../store/index.ts'
import { type JobInput, type JobKind, type Lane, lanes, partsAtOnce } from './job.ts'
import { pack, unpack, unpackRules } from './packing.ts'
import type { Work } from './work.ts'

export interface NodeLoopParts {
  /** The id under which the node is listed. */
  readonly id: number
  readonly store: Pick<Store, 'huntParts' | 'nodes'>
  readonly work: Work
  readonly pool: Pick<WorkerPool, 'setRuleSet' | 'dropRuleSet'>
  readonly files: Pick<SegmentFiles, 'pathOf' | 'restore'>
  readonly workers: number
  readonly cacheBytes: () => number
  readonly log: Log
}

const BEAT_MS = 500
/** Between two looks for parts while hunts run, and when there was nothing for a while. */
const AWAKE_MS = 25
const IDLE_MS = 200
const ASLEEP_MS = 10_000
/** After a part that could not be done, twice as long after the next one, and after a statement that failed. */
const PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 30_000
/** Of as many hunts, or states of the live set, rules are kept; of more where parts of more are under way. */
const RULE_SETS = 8
const kindsOf = Map.groupBy(Object.keys(lanes) as JobKind[], (kind) => lanes[kind])
const priorities = { hunts: 'hunt', intake: 'live', index: 'background' } as const
/** A node that has not given a sign for so long finds that its parts were given to others. */
const SILENT_MS = 4_000

export class NodeLoop {
  readonly #parts: NodeLoopParts
  readonly #claims = new Loop()
  readonly #beats = new Loop()
  /** By the id of the part. */
  readonly #running = new Map<number, RunningPart>()
  /** By their ids, those that were asked for last at the end. */
  readonly #rules = new Map<number, Promise<RuleSet | null>>()
  readonly #counts = { done: 0, failed: 0, refused: 0 }
  #lastBeat = performance.now()
  #lastWork = 0
  /** Parts that the database said were this node's, at the beat before, and that it did not work on. */
  #strays: ReadonlySet<number> = new Set()
  #pausedUntil = 0
  /** Pauses since the last part that was done. */
  #pauses = 0
  #lose: (error: Error) => void = () => {}

  /** Rejects when the node is not listed any more. */
  readonly lost: Promise<never>

  constructor(parts: NodeLoopParts) {
    this.#parts = parts
    this.lost = new Promise<never>((_, reject) => {
      this.#lose = reject
    })
    this.lost.catch(() => {})
  }

  start(): void {
    this.#beats.start(() => this.#beat())
    this.#claims.start(() => this.#claim())
  }

  /** Lets parts that are under way end for a time, and gives the others back. */
  async stop(graceMs: number): Promise<void> {
    await this.#claims.stop()
    const all = () => Promise.all([...this.#running.values()].map(({ ended }) => ended))
    await Promise.race([all(), delay(graceMs, undefined, { ref: false })])
    for (const { abort } of this.#running.values()) abort.abort(new Failure('service.stopping'))
    await all()
    await this.#beats.stop()
  }

  async #claim(): Promise<number> {
    const { id, store, log } = this.#parts
    if (performance.now() < this.#pausedUntil) return this.#pausedUntil - performance.now()
    const rooms = [...kindsOf].map(([lane, kinds]) => ({ kinds, most: this.#roomFor(lane) }))
    const open = rooms.filter(({ most }) => most > 0)
    if (open.length === 0) return BEAT_MS
    try {
      const claimed = await store.huntParts.claim(id, open)
      for (const part of claimed) this.#begin(part)
      if (claimed.length > 0) this.#lastWork = performance.now()
      if (claimed.length > 0) return 0
      return performance.now() - this.#lastWork < ASLEEP_MS ? AWAKE_MS : IDLE_MS
    } catch (error) {
      log.warn({ err: error }, 'parts could not be claimed')
      return PAUSE_MS
    }
  }

  #roomFor(lane: Lane): number {
    const running = [...this.#running.values()].filter((part) => part.lane === lane).length
    return (this.#pauses > 0 ? 1 : partsAtOnce(lane, this.#parts.workers)) - running
  }

  #begin(part: ClaimedHuntPart): void {
    const abort = new AbortController()
    const ended = this.#do(part, abort.signal)
      .catch((error) => this.#parts.log.warn({ part: part.id, err: error }, 'a part was given up'))
      .finally(() => {
        this.#running.delete(part.id)
        this.#dropUnused()
        this.#claims.wake()
      })
    this.#running.set(part.id, { lane: lanes[part.kind], rulesId: part.rulesId, abort, ended })
  }

  async #do(part: ClaimedHuntPart, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts
    const { id, fence } = part
    let output: Uint8Array
    try {
      const rules = await this.#rulesOf(part.rulesId)
      // The hunt has ended, or other rules run live, and the part is gone with them.
      if (rules === null) return
      output = pack(await this.#outputOf(part, rules, signal))
    } catch (error) {
      if (signal.aborted) return void (await store.huntParts.giveBack(id, fence))
      this.#counts.failed++
      this.#pause()
      await store.huntParts.fail(id, fence, messageOf(error))
      return
    }
    if (await store.huntParts.settle(id, fence, output)) {
      this.#counts.done++
      this.#pauses = 0
      return
    }
    // One that was stopped is counted already, or its hunt has ended.
    if (signal.aborted) return
    this.#counts.refused++
    log.warn({ part: id, fence }, 'a result came too late and was refused')
  }

  /** Parts that fail together are one reason to pause. */
  #pause(): void {
    const present = performance.now()
    if (present < this.#pausedUntil) return
    this.#pausedUntil = present + Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** this.#pauses)
    this.#pauses++
  }

  async #outputOf({ kind, input }: ClaimedHuntPart, rules: RuleSet, signal: AbortSignal): Promise<unknown> {
    const priority = priorities[lanes[kind]]
    const how = { ruleSet: rules.id, priority, group: rules.id, signal } as const
    const asked = unpack<JobInput<JobKind>>(input)
    const run = () => this.#parts.work.run(kind, asked, how)
    try {
      return await run()
    } catch (error) {
      const isDamaged = error instanceof Failure && error.code === 'segment.damaged'
      if (!isDamaged || !('segment' in asked)) throw error
      const { files } = this.#parts
      // Whether the new copy is sound is found by evaluating it.
      await files.restore(files.pathOf(asked.segment), () => true)
      return run()
    }
  }

  #rulesOf(id: number): Promise<RuleSet | null> {
    const known = this.#rules.get(id)
    if (known !== undefined) {
      this.#rules.delete(id)
      this.#rules.set(id, known)
      return known
    }
    const { store, pool } = this.#parts
    const loading = store.huntParts.findRules(id).then(async (found) => {
      if (found === null) return null
      // Of those that run live the pool compiles what is new ahead of time, and gives them another try.
      const name = found.huntId === null ? `live:parts:${id}` : `parts:${id}`
      const set = { id: name, rulesets: await unpackRules(found.rules) }
      pool.setRuleSet(set)
      return set
    })
    this.#rules.set(id, loading)
    loading.then((set) => set ?? this.#rules.delete(id)).catch(() => this.#rules.delete(id))
    return loading
  }

  /** A part may still fetch what it scans when many others have begun: its rules stay until it ends. */
  #dropUnused(): void {
    const used = new Set([...this.#running.values()].map(({ rulesId }) => rulesId))
    for (const [id, loading] of this.#rules) {
      if (this.#rules.size <= RULE_SETS) return
      if (used.has(id)) continue
      this.#rules.delete(id)
      loading.then((set) => set && this.#parts.pool.dropRuleSet(set.id)).catch(() => {})
    }
  }

  async #beat(): Promise<number> {
    const { id, store, cacheBytes, log } = this.#parts
    try {
      const before = [...this.#running]
      const rows = await store.huntParts.heldBy(id)
      const held = new Set(rows.map((row) => row.id))
      const wasSilent = performance.now() - this.#lastBeat > SILENT_MS
      for (const [part, { abort }] of before) {
        if (held.has(part) || abort.signal.aborted || !this.#running.has(part)) continue
        if (wasSilent) {
          this.#counts.refused++
          log.warn({ part }, 'a part was given to others while this node was silent; its result is thrown away')
        }
        abort.abort(new Failure('hunt.wrong-state', 'The part is not this node’s any more.'))
      }
      if (!(await store.nodes.beat(id, now(), { ...this.#counts, cacheBytes: cacheBytes() }))) {
        this.#lose(new Failure('database.locked', 'This node is not listed in the database any more; start it again.'))
      }
      this.#lastBeat = performance.now()
      // The answer to a statement was lost: nobody works on these.
      const strays = rows.filter((row) => !this.#running.has(row.id))
      for (const row of strays) if (this.#strays.has(row.id)) await store.huntParts.giveBack(row.id, row.fence)
      this.#strays = new Set(strays.map((row) => row.id))
      return BEAT_MS
    } catch (error) {
      log.warn({ err: error }, 'the database could not be given a sign of life')
      return BEAT_MS
    }
  }
}

interface RunningPart {
  readonly lane: Lane
  readonly rulesId: number
  readonly abort: AbortController
  readonly ended: Promise<void>
}
