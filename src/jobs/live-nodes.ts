import type { StoredNode } from '../store/index.ts'

/** A node that gives no sign for this long is taken for stopped. One that is gone is known at once, by its lock. */
const SILENT_MS = 5_000

/**
 * Which nodes live. A node that is killed loses its session with the database within milliseconds, and with it its lock. One
 * that is stopped or cut off keeps it, and is silent: its beat does not grow, by the clock of whoever looks.
 */
export class LiveNodes {
  readonly #silentMs: number
  readonly #beats = new Map<number, { readonly beat: number; readonly since: number }>()
  #alive: readonly StoredNode[] = []

  constructor(silentMs = SILENT_MS) {
    this.#silentMs = silentMs
  }

  get all(): readonly StoredNode[] {
    return this.#alive
  }

  has(id: number | null): boolean {
    return this.#alive.some((node) => node.id === id)
  }

  /** For how long a node has given no sign, in milliseconds and by the clock of whoever looks. */
  silence(id: number, time = performance.now()): number {
    return time - (this.#beats.get(id)?.since ?? time)
  }

  /** Takes in what the database says at a time in milliseconds; gives the nodes that do not live. */
  observe(nodes: readonly StoredNode[], time = performance.now()): readonly StoredNode[] {
    const alive: StoredNode[] = []
    const others: StoredNode[] = []
    for (const node of nodes) {
      const known = this.#beats.get(node.id)
      if (known?.beat !== node.beat) this.#beats.set(node.id, { beat: node.beat, since: time })
      const isSilent = known?.beat === node.beat && time - known.since > this.#silentMs
      if (node.isConnected && !isSilent) alive.push(node)
      else others.push(node)
    }
    for (const id of this.#beats.keys()) if (!nodes.some((node) => node.id === id)) this.#beats.delete(id)
    this.#alive = alive
    return others
  }
}
