import type { Micros } from './clock.ts'

/** An appliance that shares rulesets through this manager. */
export interface StoredAppliance {
  readonly id: number
  readonly name: string
  /** Its token is refused. */
  readonly disabled: boolean
  readonly created: Micros
  /** Null: it never asked. */
  readonly lastSeen: Micros | null
  /** What it reported last, as JSON; null before the first time. */
  readonly report: string | null
}

/** The appliances of a manager. */
export interface StoredAppliances {
  findByName(name: string): Promise<StoredAppliance | null>
  findByToken(hash: Uint8Array): Promise<StoredAppliance | null>
  /** By name, at most 10,000. */
  list(): Promise<StoredAppliance[]>
  /** Whether the name is free is the caller's to look up in the same unit of work. */
  add(appliance: { readonly name: string; readonly tokenHash: Uint8Array; readonly created: Micros }): Promise<number>
  setToken(id: number, hash: Uint8Array): Promise<void>
  setDisabled(id: number, disabled: boolean): Promise<void>
  recordSeen(id: number, at: Micros): Promise<void>
  recordReport(id: number, report: string): Promise<void>
  delete(id: number): Promise<void>
}
