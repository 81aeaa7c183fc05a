import type { Generated } from 'kysely'
import type { Micros } from './clock.ts'
import type { HuntPartKind, HuntPartState } from './hunt-parts.ts'

/** The servers and nodes of a cluster, and the parts that nodes are offered. */
export interface NodeTables {
  servers: ServersTable
  nodes: NodesTable
  hunt_part_rules: HuntPartRulesTable
  hunt_parts: HuntPartsTable
}

export interface ServersTable {
  id: Generated<number>
  name: string
  version: string
  workers: number
  url: string
  certificate: string
  term: string | null
  started: Micros
  beat: Generated<number>
  seen: Micros
}

export interface NodesTable {
  id: Generated<number>
  name: string
  version: string
  workers: number
  cache_limit: number
  started: Micros
  beat: Generated<number>
  seen: Micros
  done: Generated<number>
  failed: Generated<number>
  refused: Generated<number>
  cache_bytes: Generated<number>
}

/** With which rules parts are done, packed. */
export interface HuntPartRulesTable {
  id: Generated<number>
  hunt_id: number | null
  version: string
  rules: Uint8Array
}

export interface HuntPartsTable {
  id: Generated<number>
  rules_id: number
  kind: HuntPartKind
  input: Uint8Array
  state: Generated<HuntPartState>
  /** It grows with each claim. */
  fence: Generated<number>
  /** Who works on it, or has. */
  node_id: number | null
  wanted_by: number | null
  created: Micros
  output: Uint8Array | null
  reason: string | null
}
