/**
 * Who may call a route. Every route of the API says it in its config, one hook holds callers to it, and the OpenAPI
 * document shows it: there is no other place where a role or a right of a caller is asked for, but where only a service
 * knows whose a ruleset or a hunt is.
 */
import type { FastifyContextConfig, FastifySchema } from 'fastify'
import { type Account, may, type Right } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { Audited } from './auditing.ts'

export type Access =
  | 'anyone'
  /** Every account of the appliance; on a route that changes something, those whose role has `content.change`. */
  | 'account'
  /** Tenants of the cloud, by name and password. */
  | 'tenant'
  /** Appliances of the manager, by their token. */
  | 'appliance'
  /** Accounts whose role has the right. */
  | Right
  /** They, and the account that the address names as `:name`. */
  | { readonly right: Right; readonly orOwnName: true }
  /** They, and whoever owns what is asked for and may change content: the service knows whose it is, and refuses. */
  | { readonly right: Right; readonly orOwner: true }

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly access?: Access
    /** Nothing is changed, though the method is none that reads: a long list is asked for, or contents leave. */
    readonly onlyReads?: true
    /**
     * It makes credentials, or gives rights: with it a token could become one without bounds, so no scope has it. It may
     * end the credentials that it came with, and goes on all the same.
     */
    readonly changesAccounts?: true
  }
}

/**
 * Who may call a route with this config. A route that changes something is closed to accounts that only read without
 * saying so itself: those that are forgotten are closed too.
 */
export function accessOf({ access, audit, onlyReads }: FastifyContextConfig, method: string): Access | undefined {
  const changes = !isReading(method) && !onlyReads && audit !== undefined && !changesNothing.includes(audit)
  return access === 'account' && changes ? 'content.change' : access
}

/** Whether a token for `read` is enough. */
export function isOnlyReading({ onlyReads }: FastifyContextConfig, method: string): boolean {
  return isReading(method) || onlyReads === true
}

/** Whether a route by which accounts are managed does not say that it changes them. */
export function hidesItsChange({ access, changesAccounts }: FastifyContextConfig, method: string): boolean {
  const manages =
    access === 'users.manage' || access === 'appliances.manage' || (typeof access === 'object' && 'orOwnName' in access)
  return manages && !isReading(method) && !changesAccounts
}

const changesNothing: readonly unknown[] = ['nothing to tell', 'told by the calls in it'] satisfies Audited[]

export const isReading = (method: string): boolean => method === 'GET' || method === 'HEAD'

/** Fails with `right.missing` unless the account may call a route with this access and these parameters of its path. */
export function demandAccess(account: Account, access: Access, parameters: { readonly name?: unknown }): void {
  if (access === 'anyone' || access === 'account') return
  if (typeof access === 'object' && 'orOwner' in access) access = 'content.change'
  else if (typeof access === 'object' && parameters.name === account.name) return
  if (
    access === 'tenant' ||
    access === 'appliance' ||
    !may(account, typeof access === 'object' ? access.right : access)
  ) {
    throw new Failure('right.missing')
  }
}

/**
 * Puts into a route's schema who may call it: as a sentence, and as `x-access` for programs (an extension of OpenAPI).
 * Once for each schema: a GET route and the HEAD route made from it share theirs.
 */
export function documentAccess(schema: FastifySchema, access: Access): void {
  if ('x-access' in schema) return
  const sentence = sentenceOf(access)
  schema.description = schema.description ? `${withStop(schema.description)} ${sentence}` : sentence
  Object.assign(schema, { 'x-access': access })
}

function sentenceOf(access: Access): string {
  if (access === 'anyone') return 'Open to anyone.'
  if (access === 'account') return 'For every account.'
  if (access === 'tenant') return 'For tenants of the cloud.'
  if (access === 'appliance') return 'For appliances of the manager.'
  if (typeof access === 'string') return `Needs the right \`${access}\`.`
  return 'orOwner' in access
    ? `Needs the right \`content.change\`. Needs the right \`${access.right}\` for what belongs to others.`
    : `Needs the right \`${access.right}\` for other accounts.`
}

const withStop = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
