/**
 * The identity provider, asked in the words of OpenID Connect: the code flow with PKCE, state and nonce.
 *
 *     browser          this server                    identity provider
 *        │  log in          │                                │
 *        ├─────────────────►│ state, nonce, challenge        │
 *        ├──────────────────┼───────────────────────────────►│ who are you?
 *        │  code, state     │                                │
 *        ├─────────────────►│ code, verifier                 │
 *        │                  ├───────────────────────────────►│
 *        │                  │◄───────────────────────────────┤ ID token: signed, with the nonce
 *        │  session         │                                │
 *        │◄─────────────────┤                                │
 *
 * The library checks the answer against what was asked, and the token's signature, issuer, audience, nonce and times.
 */
import { readFile } from 'node:fs/promises'
import { createRemoteJWKSet, errors as joseErrors, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import * as oidc from 'openid-client'
import { roles, type Vouched, type WorkingRole } from '../accounts/index.ts'
import { Failure, type FailureCode } from '../errors/index.ts'
import type { Settings } from '../settings/index.ts'
import type { Attempt } from './attempts.ts'

export type ProviderSettings = Pick<
  Settings,
  | 'oidcIssuer'
  | 'oidcClientId'
  | 'oidcClientSecretFile'
  | 'oidcScopes'
  | 'oidcNameClaim'
  | 'oidcGroupsClaim'
  | 'oidcRoles'
  | 'oidcDefaultRole'
>

const TIMEOUT_SECONDS = 10
const LOG_OUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** How old the provider's word on a log-out may be, in seconds; it is good for once within that time. */
const LOG_OUT_AGE = 120

export class IdentityProvider {
  readonly #settings: ProviderSettings
  /** Asked for with the first log-in, so that the server starts without the provider. */
  #configuration: Promise<oidc.Configuration> | null = null
  #keys: ReturnType<typeof createRemoteJWKSet> | null = null
  readonly #logOutsSeen = new LRUCache<string, true>({ max: 100_000, ttl: 2 * LOG_OUT_AGE * 1_000 })

  constructor(settings: ProviderSettings) {
    this.#settings = settings
  }

  /** What the browser has to be sent to, and what its answer is held against. `sign-on.unavailable`. */
  async begin(redirectUri: string, page: string): Promise<{ address: URL; attempt: Attempt }> {
    const configuration = await this.#discover()
    const attempt = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
      redirectUri,
      page,
    }
    const address = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.#settings.oidcScopes,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
    })
    return { address, attempt }
  }

  /** Whom the answer to an attempt vouches for; `query` is what the browser came back with. `sign-on.…` otherwise. */
  async finish(query: URLSearchParams, attempt: Attempt): Promise<Vouched> {
    const configuration = await this.#discover()
    const answer = new URL(attempt.redirectUri)
    answer.search = query.toString()
    try {
      const tokens = await oidc.authorizationCodeGrant(configuration, answer, {
        pkceCodeVerifier: attempt.verifier,
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (!claims) throw new Failure('sign-on.invalid')
      return this.#vouched(claims, await this.#moreClaims(configuration, tokens.access_token, claims))
    } catch (error) {
      throw asFailure(error)
    }
  }

  /** Where the browser logs out of the provider too; null where the provider has no such place. */
  async logOutAddress(backTo: string): Promise<string | null> {
    const configuration = await this.#discover()
    if (!configuration.serverMetadata().end_session_endpoint) return null
    return oidc.buildEndSessionUrl(configuration, { post_logout_redirect_uri: backTo }).href
  }

  /** Whose sessions a log-out token ends. `sign-on.invalid` for one that is not the provider's, is old or was seen. */
  async readLogOut(
    token: string,
  ): Promise<{ readonly issuer: string; readonly of: { readonly subject: string } | { readonly session: string } }> {
    const { issuer, jwks_uri: keys } = (await this.#discover()).serverMetadata()
    if (!keys) throw new Failure('sign-on.invalid')
    this.#keys ??= createRemoteJWKSet(new URL(keys), { timeoutDuration: TIMEOUT_SECONDS * 1_000 })
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience: this.#settings.oidcClientId,
        requiredClaims: ['iat', 'jti', 'events'],
        maxTokenAge: LOG_OUT_AGE,
        clockTolerance: 30,
      })
      const { jti = '', sub, sid, events, nonce } = payload
      const isLogOut = typeof events === 'object' && events !== null && LOG_OUT_EVENT in events && nonce === undefined
      if (!isLogOut || this.#logOutsSeen.has(jti)) throw new Failure('sign-on.invalid')
      this.#logOutsSeen.set(jti, true)
      if (typeof sid === 'string' && sid !== '') return { issuer, of: { session: sid } }
      if (typeof sub === 'string') return { issuer, of: { subject: sub } }
      throw new Failure('sign-on.invalid')
    } catch (error) {
      throw asFailure(error)
    }
  }

  #discover(): Promise<oidc.Configuration> {
    this.#configuration ??= this.#askForConfiguration()
    const asked = this.#configuration
    return asked.catch((error) => {
      if (this.#configuration === asked) this.#configuration = null
      throw asFailure(error)
    })
  }

  async #askForConfiguration(): Promise<oidc.Configuration> {
    const { oidcIssuer, oidcClientId, oidcClientSecretFile: file } = this.#settings
    const issuer = new URL(oidcIssuer)
    const configuration = await oidc.discovery(
      issuer,
      oidcClientId,
      undefined,
      file === '' ? oidc.None() : withSecret(await readSecret(file)),
      {
        timeout: TIMEOUT_SECONDS,
        // Settings allow it on this machine only.
        execute: issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
      },
    )
    // The token comes from the provider itself, over TLS; its signature is verified all the same.
    oidc.enableNonRepudiationChecks(configuration)
    return configuration
  }

  /** Providers leave long claims out of the token; where one that is needed is not there, they are asked for it. */
  async #moreClaims(
    configuration: oidc.Configuration,
    accessToken: string,
    claims: oidc.IDToken,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { oidcNameClaim, oidcGroupsClaim } = this.#settings
    const isWhole = claims[oidcNameClaim] !== undefined && claims[oidcGroupsClaim] !== undefined
    if (isWhole || !configuration.serverMetadata().userinfo_endpoint) return {}
    return oidc.fetchUserInfo(configuration, accessToken, claims.sub)
  }

  #vouched(claims: oidc.IDToken, more: Readonly<Record<string, unknown>>): Vouched {
    const { oidcNameClaim, oidcGroupsClaim } = this.#settings
    const name = claims[oidcNameClaim] ?? more[oidcNameClaim]
    const role = this.#roleOf(claims[oidcGroupsClaim] ?? more[oidcGroupsClaim])
    if (role === null) throw new Failure('sign-on.no-role')
    const session = typeof claims.sid === 'string' ? claims.sid : ''
    return { issuer: claims.iss, subject: claims.sub, name: typeof name === 'string' ? name : '', role, session }
  }

  /** `groups` as the provider gives them: a list, or one as a text. */
  #roleOf(groups: unknown): WorkingRole | null {
    const { oidcRoles, oidcDefaultRole } = this.#settings
    const given = [groups].flat()
    const theirs = oidcRoles.filter(({ word }) => given.includes(word)).map(({ value }) => value)
    return roles.find((role) => theirs.includes(role)) ?? roles.find((role) => role === oidcDefaultRole) ?? null
  }
}

async function readSecret(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0] ?? ''
  } catch (cause) {
    throw because(cause, 'sign-on.unavailable', `The file with the secret of the client, ${file}, cannot be read.`)
  }
}

/** The client's secret in the header, as the standard has it, unless the provider only takes it in the body. */
function withSecret(secret: string): oidc.ClientAuth {
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported
    const isInBody = methods !== undefined && !methods.includes('client_secret_basic')
    const authenticate = isInBody ? oidc.ClientSecretPost(secret) : oidc.ClientSecretBasic(secret)
    authenticate(server, client, body, headers)
  }
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof oidc.AuthorizationResponseError) {
    // A word of the protocol; the rest of the text may be anybody's.
    const word = /^[a-z_]{1,40}$/.test(error.error) ? ` (${error.error})` : ''
    return because(error, 'sign-on.refused', `The identity provider did not let you in${word}.`)
  }
  const isAway =
    error instanceof joseErrors.JWKSTimeout ||
    (error instanceof Error && (isNetwork(error) || (error.cause instanceof Error && isNetwork(error.cause))))
  if (isAway) return because(error, 'sign-on.unavailable')
  // The library's own sentence says what kind of failure it is, its cause what was wrong.
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  const why = cause instanceof Error ? cause.message : message
  return because(error, 'sign-on.invalid', `The answer of the identity provider is not valid: ${why}.`)
}

/** With what was thrown, for the log. */
function because(cause: unknown, code: FailureCode, message?: string): Failure {
  const failure = new Failure(code, message)
  failure.cause = cause
  return failure
}

const isNetwork = (error: Error): boolean =>
  (error instanceof TypeError && error.message === 'fetch failed') ||
  error.name === 'TimeoutError' ||
  /^(?:ECONN|ENOTFOUND|EAI_|UND_ERR|OAUTH_TIMEOUT)/.test(String((error as NodeJS.ErrnoException).code))
