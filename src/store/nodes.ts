import type { Micros } from './clock.ts'

/** What a node is, as it says when it comes. */
export interface NewNode {
  /** The name of its machine. */
  readonly name: string
  readonly version: string
  /** Worker processes. */
  readonly workers: number
  /** How much its copies of objects may take, in bytes. */
  readonly cacheLimit: number
  readonly started: Micros
}

/** What a node has done since it came. */
export interface NodeCounts {
  /** Parts whose results were taken. */
  readonly done: number
  /** Parts that it could not do and that the server did. */
  readonly failed: number
  /** Parts that were somebody else's, or nobody's any more, when it came with a result. */
  readonly refused: number
  readonly cacheBytes: number
}

export interface StoredNode extends NewNode, NodeCounts {
  readonly id: number
  /** Grows with each sign of life; the time of no clock. */
  readonly beat: number
  /** When it gave the latest sign, by its own clock. */
  readonly seen: Micros
  /** Whether its session is there that it holds a lock with: it ends with the process. SQLite has no nodes. */
  readonly isConnected: boolean
}

/** The nodes of a cluster: processes that do parts of the work for the server. */
export interface StoredNodes {
  /** Returns the id, which is never given twice. */
  add(node: NewNode): Promise<number>
  /** In order of ids. */
  list(): Promise<StoredNode[]>
  /** A sign of life. False where the node is not listed any more. */
  beat(id: number, at: Micros, counts: NodeCounts): Promise<boolean>
  delete(ids: readonly number[]): Promise<void>
}
