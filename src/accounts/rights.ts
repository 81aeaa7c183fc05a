import { Failure } from '../errors/index.ts'
import type { Micros, Role } from '../store/index.ts'

export type { Role }

/** Who is asking. */
export interface Account {
  readonly id: number
  readonly name: string
  readonly role: Role
  /**
   * The operations that the caller's token is for, and `read` for all that only read; missing where it is for whatever the
   * account may do.
   */
  readonly scope?: readonly string[]
}

/** Whose the credentials are, and until when unless they are used again; null where they never end by themselves. */
export interface Identified {
  readonly account: Account
  readonly ends: Micros | null
}

/** The roles that work with the API of the appliance, those with the most rights first. */
export const roles = ['administrator', 'publisher', 'user', 'read-only'] as const satisfies readonly Role[]
export type WorkingRole = (typeof roles)[number]

/**
 * Who may do what beyond reading, which is everybody's right, as are one's own password and tokens. Core rulesets are
 * nobody's to change through the API.
 */
const holders = {
  /** Send, tag and classify samples, save, switch and delete one's own rulesets, and hunt. */
  'content.change': ['administrator', 'publisher', 'user'],
  /** Update, delete, enable and disable other users' rulesets. */
  'rulesets.change-any': ['administrator'],
  'rulesets.import-core': ['administrator', 'publisher'],
  /** Ask for a change to be passed on to the appliances of the cluster. */
  'rulesets.publish': ['administrator', 'publisher'],
  /** Say how often rule sources are fetched, and let all of them be fetched. */
  'rulesets.schedule': ['administrator'],
  'samples.delete': ['administrator', 'publisher', 'user'],
  /** Stop or delete other users' hunts. */
  'hunts.change-any': ['administrator'],
  /** Build and check the index. */
  'index.maintain': ['administrator'],
  /** Add, disable and remove the appliances of a manager, and give them tokens. */
  'appliances.manage': ['administrator'],
  /** Say which samples are deleted by themselves. */
  'retention.manage': ['administrator'],
  'users.manage': ['administrator'],
  'audit.read': ['administrator'],
  /** See the machines of a cluster and what they do. */
  'cluster.read': ['administrator'],
} as const satisfies Record<string, readonly Role[]>

export type Right = keyof typeof holders

export function may(account: Account, right: Right): boolean {
  return (holders[right] as readonly Role[]).includes(account.role)
}

/** Fails with `right.missing` where `may` is false. */
export function demand(account: Account, right: Right): void {
  if (!may(account, right)) throw new Failure('right.missing')
}
