import type { ServerRole } from './options.ts'

/** What a server of each role has. */
const parts = {
  appliance: ['appliance'],
  cloud: ['cloud'],
  both: ['appliance', 'cloud'],
  manager: ['manager'],
  'appliance-and-manager': ['appliance', 'manager'],
} as const satisfies Record<ServerRole, readonly string[]>

export type RolePart = 'appliance' | 'cloud' | 'manager'

export function partsOf(role: ServerRole): readonly RolePart[] {
  return parts[role]
}

/** Whether a server of this role works with analysts, with tenants of a cloud, or with a group of appliances. */
export function hasPart(role: ServerRole, part: RolePart): boolean {
  return partsOf(role).includes(part)
}
