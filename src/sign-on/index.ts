/** Log-ins with an identity provider (OpenID Connect), or against a directory (LDAP). */

export { type Attempt, Attempts } from './attempts.ts'
export { Directory } from './directory.ts'
export { IdentityProvider, type ProviderSettings } from './identity-provider.ts'
