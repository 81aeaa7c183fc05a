import type { Micros } from './clock.ts'

/** What a server of a cluster is, as it says when it comes. */
export interface NewServer {
  /** The name of its machine. */
  readonly name: string
  readonly version: string
  /** Worker processes; none for a server that only passes requests on. */
  readonly workers: number
  /** Where the other servers reach it; empty while it does not listen yet. */
  readonly url: string
  /** By which they know it (PEM); empty without TLS. */
  readonly certificate: string
  /** Of its lock of the database; null while it stands by. */
  readonly term: string | null
  readonly started: Micros
}

export interface StoredServer extends Pick<NewServer, 'name' | 'version' | 'workers' | 'url' | 'started'> {
  readonly id: number
  /** Grows with each sign of life; the time of no clock. */
  readonly beat: number
  /** When it gave the latest sign, by its own clock. */
  readonly seen: Micros
  /** Whether it is the one that works: the latest that got the database. */
  readonly isActive: boolean
}

/** Where requests go that others have received. `term` is known to servers of this database alone. */
export type ActiveServer = Pick<NewServer, 'name' | 'url' | 'certificate'> & {
  readonly id: number
  readonly beat: number
  readonly term: string
}

/** The servers of a cluster, of which one works and the others stand by. */
export interface StoredServers {
  /** Returns the id, which is never given twice. */
  add(server: NewServer): Promise<number>
  /** In order of ids. */
  list(): Promise<StoredServer[]>
  /** The one that works, or begins to; null where none has said so. It may be gone. */
  findActive(): Promise<ActiveServer | null>
  /** A sign of life. False where the server is not listed any more. */
  beat(id: number, at: Micros): Promise<boolean>
  delete(ids: readonly number[]): Promise<void>
  /** Those that gave no sign since then. */
  deleteSilent(since: Micros): Promise<void>
}
