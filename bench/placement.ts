/**
 * A hunt over very many segments and nodes, simulated: who is wanted for which segment (`src/jobs/placement.ts`, the real
 * one), and how parts are offered, claimed and taken back (the rules of `src/jobs/shared-jobs.ts` and `node-loop.ts`, with
 * their times). Nothing is read and no database asked; what a part takes comes from the measurements of `bench scale`.
 *
 *     offered ──(its node looks every 25 ms; others after 1 s)──▶ claimed ──▶ in the cache? else fetched ──▶ done
 *        ▲                                                           │
 *        └────────────── its node is lost: taken back within 0.5 s ──┘
 */

import { partsAtOnce } from '../src/jobs/job.ts'
import { placeOf } from '../src/jobs/placement.ts'
import { medianOf, percent, seconds, table } from './figures.ts'

/** Milliseconds, as in src/jobs. */
const LOOK = 25
const WANTED = 1_000
const NODES_LOOK = 500
/** What the server needs between two windows: the transaction of the checkpoint. */
const CHECKPOINT = 10
const WORKERS = 16

interface Scene {
  readonly title: string
  readonly nodes: number
  readonly segments: number
  /** Segments of a window. */
  readonly window: number
  /** Whether the hunt waits for all of a window before it offers the next, or offers as many as nodes have room for. */
  readonly waits?: boolean
  /** Segments that are in nobody's cache when the hunt begins. */
  readonly isCold?: boolean
  /** A node that is lost when half of the segments are done. */
  readonly losesNode?: boolean
  /** A node whose processors are so many times slower. */
  readonly slowness?: number
}

export interface Costs {
  /** Of a processor, for a segment that is at hand. */
  readonly partMs: number
  /** Of a node's network, for a segment that is not: size by bandwidth. */
  readonly fetchMs: number
}

interface Outcome {
  readonly ms: number
  /** From the moment at which 99 % of the parts were done. */
  readonly tailMs: number
  readonly ideal: number
  readonly atHome: number
  readonly fetched: number
  readonly moved: number
  readonly perNode: readonly number[]
}

export function benchPlacement(costs: Costs, seeds: readonly number[] = [1, 2, 3]): string {
  const whole = { nodes: 64, segments: 30_000 }
  const scenes: readonly Scene[] = [
    { title: 'as the program does it: windows of 32, as many as nodes have room for', ...whole, window: 32 },
    { title: '… a node is lost in the middle', ...whole, window: 32, losesNode: true },
    { title: '… a node is four times slower', ...whole, window: 32, slowness: 4 },
    { title: '… nothing is cached', ...whole, window: 32, isCold: true },
    { title: '… 12 nodes', ...whole, nodes: 12, window: 32 },
    { title: 'a window at a time, 128 segments each', ...whole, window: 128, waits: true },
    { title: '… 32 segments each', ...whole, window: 32, waits: true },
    { title: '… 12 nodes', ...whole, nodes: 12, window: 32, waits: true },
  ]
  const shares: number[] = []
  const lost: number[] = []
  const rows = scenes.map((scene) => {
    const runs = seeds.map((seed) => simulate(scene, costs, seed))
    console.error(`${scene.title}: ${runs.map(({ ms }) => Math.round(ms)).join(', ')} ms (seeds ${seeds.join(', ')})`)
    for (const { perNode, moved } of runs) {
      if (scene.nodes === whole.nodes) shares.push(...perNode)
      if (moved > 0) lost.push(moved)
    }
    const of = (read: (run: Outcome) => number) => medianOf(runs.map(read))
    const worst = Math.max(...runs.map(({ ms }) => ms))
    return [
      scene.title,
      seconds(of(({ ms }) => ms) / 1e3),
      seconds(worst / 1e3),
      seconds(of(({ ideal }) => ideal) / 1e3),
      seconds(of(({ tailMs }) => tailMs) / 1e3),
      percent(of(({ atHome }) => atHome)),
      String(of(({ fetched }) => fetched)),
    ]
  })
  const mean = whole.segments / whole.nodes
  return [
    `Seeds ${seeds.join(', ')}; ${costs.partMs} ms of a processor a segment, ${costs.fetchMs} ms of a node's network to fetch one; `,
    `${WORKERS} workers a node.\n\nSegments that a node is wanted for, of ${mean.toFixed(0)} on average: ${Math.min(...shares)} to `,
    `${Math.max(...shares)} (${percent(Math.max(...shares) / mean - 1)} above the mean). A lost node moves ${percent(medianOf(lost) / whole.segments)} of them, `,
    'its own and no other.\n\n',
    table(['30,000 segments, 64 nodes', 'median', 'worst', 'if spread evenly', 'last 1 %', 'at home', 'fetched'], rows),
  ].join('')
}

const lostId = 1

interface Part {
  readonly segment: number
  readonly home: number
  readonly created: number
  state: 'offered' | 'claimed' | 'done'
  isWanted: boolean
  fence: number
}

function simulate(scene: Scene, { partMs, fetchMs }: Costs, seed: number): Outcome {
  const random = randomOf(seed)
  const all = Array.from({ length: scene.nodes }, (_, id) => ({ id, name: `node-${seed}-${id}` }))
  const homes = homesOf(scene, seed, all)
  const homesAfter = scene.losesNode
    ? homesOf(
        scene,
        seed,
        all.filter(({ id }) => id !== lostId),
      )
    : homes
  const perNode = all.map(({ id }) => homes.filter((home) => home === id).length)
  const cached = all.map(() => new Set<number>())
  if (!scene.isCold) for (const [segment, home] of homes.entries()) cached[home]?.add(segment)
  const speed = all.map(({ id }) => (scene.slowness && id === 0 ? scene.slowness : 1))
  const workers = all.map(() => new Array<number>(WORKERS).fill(0))
  const network = all.map(() => 0)
  const held = all.map(() => new Set<Part>())
  const parts: Part[] = []
  let firstOffered = 0
  let offered = 0
  /** Windows are decided in order: all segments below this number are done. */
  let decided = 0
  let done = 0
  let home = 0
  let fetched = 0
  let moved = 0
  let isLost = false
  let tail = 0
  const events = new Events()

  const offer = (time: number) => {
    const to = Math.min(scene.segments, offered + scene.window)
    for (; offered < to; offered++) {
      const place = (isLost ? homesAfter : homes)[offered] ?? 0
      parts.push({ segment: offered, home: place, created: time, state: 'offered', isWanted: true, fence: 0 })
    }
  }
  const claim = (node: number, time: number) => {
    if (isLost && node === lostId) return
    let room = partsAtOnce('hunts', WORKERS) - (held[node]?.size ?? 0)
    while (firstOffered < parts.length && parts[firstOffered]?.state !== 'offered') firstOffered++
    for (let i = firstOffered; i < parts.length && room > 0; i++) {
      const part = parts[i] as Part
      const isMine = !part.isWanted || part.home === node || part.created <= time - WANTED
      if (part.state !== 'offered' || !isMine) continue
      part.state = 'claimed'
      room--
      held[node]?.add(part)
      begin(node, part, time)
    }
    if (done < scene.segments) events.add(time + LOOK, () => claim(node, time + LOOK))
  }
  const begin = (node: number, part: Part, time: number) => {
    let ready = time
    if (!cached[node]?.has(part.segment)) {
      ready = Math.max(time, network[node] ?? 0) + fetchMs
      network[node] = ready
      cached[node]?.add(part.segment)
      fetched++
    }
    const own = workers[node] as number[]
    const free = own.indexOf(Math.min(...own))
    const end = Math.max(ready, own[free] ?? 0) + partMs * (speed[node] ?? 1) * (0.5 + random())
    own[free] = end
    const { fence } = part
    events.add(end, () => settle(node, part, fence, end))
  }
  const settle = (node: number, part: Part, fence: number, time: number) => {
    if (part.fence !== fence || (isLost && node === lostId)) return
    held[node]?.delete(part)
    part.state = 'done'
    done++
    if (part.home === node) home++
    if (done === Math.floor(scene.segments * 0.99)) tail = time
    if (scene.losesNode && !isLost && done >= scene.segments / 2) lose(time)
  }
  const lose = (time: number) => {
    isLost = true
    moved = homes.filter((place, segment) => place !== homesAfter[segment]).length
    const at = time + NODES_LOOK * random()
    events.add(at, () => {
      for (const part of held[lostId] ?? []) {
        part.fence++
        part.state = 'offered'
        part.isWanted = false
        firstOffered = 0
      }
    })
  }
  const look = (time: number) => {
    if (done === scene.segments) return
    while (decided < parts.length && parts[decided]?.state === 'done') decided++
    const most = scene.waits ? 1 : all.length * partsAtOnce('hunts', WORKERS)
    const begun = decided - (decided % scene.window)
    const isWanted = () => offered < scene.segments && offered - (scene.waits ? decided : begun) < most
    while (isWanted()) offer(scene.waits ? time + CHECKPOINT : time)
    events.add(time + LOOK, () => look(time + LOOK))
  }
  offer(0)
  for (const { id } of all) {
    const at = random() * LOOK
    events.add(at, () => claim(id, at))
  }
  events.add(LOOK, () => look(LOOK))
  let end = 0
  while (done < scene.segments) end = events.next()
  const ideal = (scene.segments * partMs) / (scene.nodes * WORKERS)
  return { ms: end, tailMs: end - tail, ideal, atHome: home / scene.segments, fetched, moved, perNode }
}

const known = new Map<string, readonly number[]>()

/** Who is wanted for each segment; the same names for the same seed. */
function homesOf(scene: Scene, seed: number, nodes: readonly { readonly id: number; readonly name: string }[]) {
  const key = `${seed} ${scene.segments} ${nodes.map(({ id }) => id).join()}`
  const before = known.get(key)
  if (before) return before
  const random = randomOf(seed)
  const homes = Array.from(
    { length: scene.segments },
    () => placeOf(`${hex(random)}${hex(random)}.segment`, nodes) ?? 0,
  )
  known.set(key, homes)
  return homes
}

/** What happens when, earliest first; a heap. */
class Events {
  readonly #heap: { readonly time: number; readonly happen: () => void }[] = []

  add(time: number, happen: () => void): void {
    const heap = this.#heap
    let at = heap.push({ time, happen }) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (this.#timeAt(above) <= this.#timeAt(at)) break
      this.#swap(at, above)
      at = above
    }
  }

  /** Lets the next one happen, and gives its time. */
  next(): number {
    const heap = this.#heap
    this.#swap(0, heap.length - 1)
    const first = heap.pop()
    if (!first) throw new Error('Nothing happens any more.')
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const least = this.#timeAt(right) < this.#timeAt(left) ? right : left
      if (this.#timeAt(least) >= this.#timeAt(at)) break
      this.#swap(at, least)
      at = least
    }
    first.happen()
    return first.time
  }

  #timeAt(at: number): number {
    return this.#heap[at]?.time ?? Number.POSITIVE_INFINITY
  }

  #swap(one: number, other: number): void {
    const heap = this.#heap
    const kept = heap[one] as (typeof heap)[number]
    heap[one] = heap[other] as (typeof heap)[number]
    heap[other] = kept
  }
}

/** From 0 up to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const hex = (random: () => number) => Math.floor(random() * 2 ** 32).toString(16)
