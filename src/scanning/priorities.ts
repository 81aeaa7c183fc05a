/** Who is served first: someone waits at a screen, samples arrive, hunts, everything that can wait. */
export type Priority = 'interactive' | 'live' | 'hunt' | 'background'

/** First to be served first. */
export const priorities: readonly Priority[] = ['interactive', 'live', 'hunt', 'background']

/**
 * Every so many turns the lowest of the waiting priorities is served, so that steady uploads slow a hunt but never stop
 * it.
 */
const TURNS_TO_THE_LEAST = 8

/** Waiting tasks: priorities by rank, groups of a priority in turns, tasks of a group in their order. */
export class PriorityQueue<T> {
  readonly #queues: Readonly<Record<Priority, Turns<T>>> = {
    interactive: new Turns(),
    live: new Turns(),
    hunt: new Turns(),
    background: new Turns(),
  }
  #turn = 0

  add(priority: Priority, group: string, task: T): void {
    this.#queues[priority].add(group, task)
  }

  /** Puts a task that had started back in front of its group. */
  addFirst(priority: Priority, group: string, task: T): void {
    this.#queues[priority].addFirst(group, task)
  }

  remove(priority: Priority, group: string, task: T): void {
    this.#queues[priority].remove(group, task)
  }

  waiting(priority: Priority): number {
    return this.#queues[priority].size
  }

  /** The first priority that has a task; null when nothing waits. */
  first(): Priority | null {
    return priorities.find((priority) => this.waiting(priority) > 0) ?? null
  }

  /** Waiting in all priorities. */
  get size(): number {
    return priorities.reduce((sum, priority) => sum + this.waiting(priority), 0)
  }

  take(): T | null {
    this.#turn++
    const open = priorities.filter((priority) => this.waiting(priority) > 0)
    const priority = this.#turn % TURNS_TO_THE_LEAST === 0 ? open.at(-1) : open[0]
    return priority === undefined ? null : this.#queues[priority].take()
  }

  /** The most urgent task whose priority and group are accepted. */
  takeAccepted(accepts: (priority: Priority, group: string) => boolean): T | null {
    for (const priority of priorities) {
      const group = this.#queues[priority].groups().find((group) => accepts(priority, group))
      if (group !== undefined) return this.#queues[priority].takeOf(group)
    }
    return null
  }

  /** Whether something waits that is accepted. */
  some(accepts: (priority: Priority, group: string) => boolean): boolean {
    return priorities.some((priority) => this.#queues[priority].groups().some((group) => accepts(priority, group)))
  }

  /** The priority's next task, if it may travel with the tasks taken before. */
  takeAlong(priority: Priority, goesAlong: (task: T) => boolean): T | null {
    const next = this.#queues[priority].first()
    return next !== null && goesAlong(next) ? this.#queues[priority].take() : null
  }

  /** Empties the queue. */
  drain(): T[] {
    const all: T[] = []
    for (const priority of priorities) {
      for (let task = this.#queues[priority].take(); task !== null; task = this.#queues[priority].take()) all.push(task)
    }
    return all
  }
}

/** The groups of one priority; the map's order is the order of their turns. */
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
