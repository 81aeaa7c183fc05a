/*
 * Log-ins of the web application.
 *
 * The browser keeps the session's secret in a cookie that scripts cannot read (HttpOnly), that is never sent from pages
 * of other sites (SameSite=Strict), and only over HTTPS where the page came over HTTPS (Secure). SameSite does not tell
 * ports apart, so another program's page on the same host could still send a form in the user's name. Therefore every
 * request that changes something must also carry a header that only our own page can set: a form cannot, and a script
 * from elsewhere would have to ask this server for leave (CORS), which it never gives.
 *
 * Requests with an `Authorization` header are a script's; a cookie beside it is not looked at.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Accounts, type Identified, sessionLength } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { certainPrefixOf } from './addresses.ts'

const OWN_PAGE_HEADER = 'x-backtrail-page'
const COOKIE = 'backtrail_session'
/** Of a log-in under way at the identity provider. Lax, since the browser comes back from another site. */
const SIGN_ON_COOKIE = 'backtrail_sign_on'
const SIGN_ON_SECONDS = 15 * 60

/** The secret in the request's cookie, or null. */
export function sessionSecretOf(request: FastifyRequest): string | null {
  return request.cookies[COOKIE] ?? null
}

/**
 * Whose session the request comes with. Fails with a `credentials.…` when it is nobody's, or may be forged. `isUse` as for
 * `Sessions.identify`.
 */
export async function identifySession(
  request: FastifyRequest,
  accounts: Accounts,
  isUse: boolean,
): Promise<Identified> {
  const secret = sessionSecretOf(request)
  if (secret === null) throw new Failure('credentials.missing')
  demandOwnPage(request)
  const identified = await accounts.sessions.identify(secret, { isUse })
  if (!identified) throw new Failure('credentials.session-ended')
  return identified
}

/** Fails with `credentials.foreign-page` for a change that another site's page may have asked for. */
export function demandOwnPage({ method, headers }: FastifyRequest): void {
  const isReading = method === 'GET' || method === 'HEAD'
  if (!isReading && headers[OWN_PAGE_HEADER] === undefined) throw new Failure('credentials.foreign-page')
}

export function giveSession(request: FastifyRequest, reply: FastifyReply, secret: string): void {
  reply.setCookie(COOKIE, secret, { ...cookieOf(request), maxAge: sessionLength.whole / 1_000_000 })
}

export function takeSession(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(COOKIE, cookieOf(request))
}

/** The secret of the log-in that is under way at the identity provider, or null. */
export function signOnSecretOf(request: FastifyRequest): string | null {
  return request.cookies[SIGN_ON_COOKIE] ?? null
}

export function giveAttempt(request: FastifyRequest, reply: FastifyReply, secret: string): void {
  reply.setCookie(SIGN_ON_COOKIE, secret, { ...signOnCookieOf(request), maxAge: SIGN_ON_SECONDS })
}

export function takeAttempt(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(SIGN_ON_COOKIE, signOnCookieOf(request))
}

function signOnCookieOf(request: FastifyRequest) {
  return { ...cookieOf(request), sameSite: 'lax' } as const
}

function cookieOf(request: FastifyRequest) {
  const path = `${certainPrefixOf(request) ?? ''}/`
  return { path, httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' } as const
}
