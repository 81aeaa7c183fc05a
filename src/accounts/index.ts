/** Users, passwords, tokens and rights. */
export { Accounts, type FirstAdministrator, type Tenant, type TokenEntry, type UserEntry } from './accounts.ts'
export { type Account, demand, may, type Right, type Role } from './rights.ts'
export { sessionLength } from './sessions.ts'
