/** Users, passwords, tokens and rights. */
export { Accounts, type FirstAdministrator } from './accounts.ts'
export type { Tenant } from './credentials.ts'
export { type Account, demand, type Identified, may, type Right, type Role, roles, type WorkingRole } from './rights.ts'
export { sessionLength } from './sessions.ts'
export type { Vouched } from './sign-on.ts'
export { hashToken, randomToken, type TokenBounds, type TokenEntry } from './tokens.ts'
export type { UserEntry } from './users.ts'
