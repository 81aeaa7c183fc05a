/**
 * An identity provider whose answers a test makes itself, wrong ones among them: a real one gives none of these. It speaks
 * OpenID Connect over HTTP, signs with a key of its own, and holds the code against the challenge (PKCE).
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Json } from './harness.ts'

export const CLIENT = 'backtrail-of-a-test'

type Keys = Awaited<ReturnType<typeof generateKeyPair>>

export interface Made {
  /** Put over what is right. `undefined` takes a claim away. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Signs with a key that the provider does not have. */
  readonly isForged?: boolean
  /** In place of an answer with a token. */
  readonly status?: number
}

export class MadeProvider {
  readonly issuer: string
  /** What the next token has; the test sets it before the browser comes back. */
  made: Made = {}
  /** What `/userinfo` answers. */
  more: Json = {}
  /** How often a code was exchanged. */
  exchanged = 0
  readonly #keys: Keys
  readonly #otherKeys: Keys
  readonly #challenges = new Map<string, { readonly challenge: string; readonly nonce: string }>()
  readonly #server = createServer((request, answer) => {
    const json = (status: number, body: unknown) =>
      answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    this.#answer(request.url ?? '', request).then(({ status = 200, body }) => json(status, body))
  })

  private constructor(keys: Keys, otherKeys: Keys) {
    this.#keys = keys
    this.#otherKeys = otherKeys
    this.#server.listen(0, '127.0.0.1')
    this.issuer = ''
  }

  static async start(): Promise<MadeProvider> {
    const provider = new MadeProvider(await generateKeyPair('ES256'), await generateKeyPair('ES256'))
    await new Promise((resolve) => provider.#server.once('listening', resolve))
    const { port } = provider.#server.address() as AddressInfo
    return Object.assign(provider, { issuer: `http://127.0.0.1:${port}` })
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** As if somebody had logged in at this address: the query that the browser comes back with. */
  consent(address: string): URLSearchParams {
    const asked = new URL(address).searchParams
    const code = `code-${this.#challenges.size}`
    this.#challenges.set(code, { challenge: asked.get('code_challenge') ?? '', nonce: asked.get('nonce') ?? '' })
    return new URLSearchParams({ code, state: asked.get('state') ?? '' })
  }

  sign(claims: JWTPayload, { isForged = false }: Made = {}, type = 'JWT'): Promise<string> {
    const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
    return new SignJWT(given)
      .setProtectedHeader({ alg: 'ES256', kid: 'made', typ: type })
      .sign(isForged ? this.#otherKeys.privateKey : this.#keys.privateKey)
  }

  /** A log-out token as back-channel log-outs have it. */
  logOut(claims: Readonly<Record<string, unknown>>, made: Made = {}): Promise<string> {
    const iat = Math.floor(Date.now() / 1000)
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const jti = createHash('sha256')
      .update(JSON.stringify([claims, process.hrtime.bigint().toString()]))
      .digest('hex')
    return this.sign({ iss: this.issuer, aud: CLIENT, iat, jti, events, ...claims }, made, 'logout+jwt')
  }

  async #answer(url: string, request: Parameters<typeof text>[0]): Promise<{ status?: number; body: unknown }> {
    const { issuer } = this
    if (url === '/.well-known/openid-configuration')
      return {
        body: {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          userinfo_endpoint: `${issuer}/userinfo`,
          end_session_endpoint: `${issuer}/log-out`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['ES256'],
        },
      }
    if (url === '/keys')
      return { body: { keys: [{ ...(await exportJWK(this.#keys.publicKey)), kid: 'made', alg: 'ES256', use: 'sig' }] } }
    if (url === '/userinfo') return { body: this.more }
    if (url !== '/token') return { status: 404, body: {} }
    const form = new URLSearchParams(await text(request))
    const code = this.#challenges.get(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (code?.challenge !== challenge) return { status: 400, body: { error: 'invalid_grant' } }
    this.#challenges.delete(form.get('code') ?? '')
    this.exchanged += 1
    if (this.made.status) return { status: this.made.status, body: { error: 'server_error' } }
    const iat = Math.floor(Date.now() / 1000)
    const claims = {
      iss: issuer,
      aud: CLIENT,
      sub: 'subject-1',
      iat,
      exp: iat + 300,
      nonce: code.nonce,
      sid: 'session-1',
      preferred_username: 'olga',
      groups: ['hunters'],
      ...this.made.claims,
    }
    const id_token = await this.sign(claims, this.made)
    return { body: { access_token: 'opaque', token_type: 'Bearer', expires_in: 300, id_token } }
  }
}
