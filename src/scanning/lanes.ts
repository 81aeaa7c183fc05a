/** Who is served first: someone waits at a screen, samples arrive, hunts, everything that can wait. */
export type Lane = 'interactive' | 'live' | 'hunt' | 'background'

/** First to be served first. */
export const lanes: readonly Lane[] = ['interactive', 'live', 'hunt', 'background']

/** Every so many turns the least of the waiting lanes is served, so that steady uploads slow a hunt but never stop it. */
const TURNS_TO_THE_LEAST = 8

/** Waiting tasks: lanes by rank, groups of a lane in turns, tasks of a group in their order. */
export class LaneQueue<T> {
  readonly #lanes: Readonly<Record<Lane, Turns<T>>> = {
    interactive: new Turns(),
    live: new Turns(),
    hunt: new Turns(),
    background: new Turns(),
  }
  #turn = 0

  add(lane: Lane, group: string, task: T): void {
    this.#lanes[lane].add(group, task)
  }

  /** Puts a task that had started back in front of its group. */
  addFirst(lane: Lane, group: string, task: T): void {
    this.#lanes[lane].addFirst(group, task)
  }

  remove(lane: Lane, group: string, task: T): void {
    this.#lanes[lane].remove(group, task)
  }

  waiting(lane: Lane): number {
    return this.#lanes[lane].size
  }

  /** The first lane that has a task; null when nothing waits. */
  first(): Lane | null {
    return lanes.find((lane) => this.waiting(lane) > 0) ?? null
  }

  /** Waiting in all lanes. */
  get size(): number {
    return lanes.reduce((sum, lane) => sum + this.waiting(lane), 0)
  }

  take(): T | null {
    this.#turn++
    const open = lanes.filter((lane) => this.waiting(lane) > 0)
    const lane = this.#turn % TURNS_TO_THE_LEAST === 0 ? open.at(-1) : open[0]
    return lane === undefined ? null : this.#lanes[lane].take()
  }

  /** The most urgent task of those lanes and groups that are accepted. */
  takeAccepted(accepts: (lane: Lane, group: string) => boolean): T | null {
    for (const lane of lanes) {
      const group = this.#lanes[lane].groups().find((group) => accepts(lane, group))
      if (group !== undefined) return this.#lanes[lane].takeOf(group)
    }
    return null
  }

  /** Whether something waits that is accepted. */
  some(accepts: (lane: Lane, group: string) => boolean): boolean {
    return lanes.some((lane) => this.#lanes[lane].groups().some((group) => accepts(lane, group)))
  }

  /** The lane's next task, if it is one that goes along with what was taken before. */
  takeAlong(lane: Lane, goesAlong: (task: T) => boolean): T | null {
    const next = this.#lanes[lane].first()
    return next !== null && goesAlong(next) ? this.#lanes[lane].take() : null
  }

  /** Empties the queue. */
  drain(): T[] {
    const all: T[] = []
    for (const lane of lanes) {
      for (let task = this.#lanes[lane].take(); task !== null; task = this.#lanes[lane].take()) all.push(task)
    }
    return all
  }
}

/** The groups of one lane; the map's order is the order of their turns. */
class Turns<T> {
  readonly #groups = new Map<string, T[]>()
  size = 0

  add(group: string, task: T): void {
    this.size++
    const tasks = this.#groups.get(group)
    if (tasks === undefined) this.#groups.set(group, [task])
    else tasks.push(task)
  }

  addFirst(group: string, task: T): void {
    this.size++
    const tasks = this.#groups.get(group)
    if (tasks === undefined) this.#groups.set(group, [task])
    else tasks.unshift(task)
  }

  /** What `take` would give. */
  first(): T | null {
    const next = this.#groups.values().next()
    return next.done ? null : (next.value[0] as T)
  }

  groups(): string[] {
    return [...this.#groups.keys()]
  }

  take(): T | null {
    const next = this.#groups.keys().next()
    return next.done ? null : this.takeOf(next.value)
  }

  takeOf(group: string): T {
    const tasks = this.#groups.get(group) ?? []
    const task = tasks.shift() as T
    this.size--
    this.#groups.delete(group)
    if (tasks.length > 0) this.#groups.set(group, tasks)
    return task
  }

  remove(group: string, task: T): void {
    const tasks = this.#groups.get(group)
    const at = tasks?.indexOf(task) ?? -1
    if (tasks === undefined || at < 0) return
    tasks.splice(at, 1)
    this.size--
    if (tasks.length === 0) this.#groups.delete(group)
  }
}
