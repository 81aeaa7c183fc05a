/** Log-ins with an identity provider (OpenID Connect). */
export { type Attempt, Attempts } from './attempts.ts'
export { IdentityProvider, type ProviderSettings } from './identity-provider.ts'
