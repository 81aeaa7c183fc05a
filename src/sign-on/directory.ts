/**
 * A directory, asked in the words of LDAP: is this the password of that name, and which groups is the user in?
 *
 *   search, then bind    bind as the searcher ─▶ find one entry ─▶ its groups ─▶ bind as the entry
 *   bind by a template   bind as the user's own place ─▶ read that entry ─▶ its groups
 *
 * Each log-in has a connection of its own, which is closed with it. What a person typed stands escaped in filters and
 * names. A bind without a password succeeds in many directories, and says nothing: it is never tried.
 */
import { readFile } from 'node:fs/promises'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls'
import { Client, type Entry, ResultCodeError, SizeLimitExceededError } from 'ldapts'
import { roles, type Vouched, type WorkingRole } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { Settings } from '../settings/index.ts'

type DirectorySettings = Pick<Settings, Extract<keyof Settings, `ldap${string}`>>

/** Users are known by it, so it stays when the directory moves to another address. */
const ISSUER = 'ldap'
/**
 * Directories take no notice of blanks, of invisible characters and of the width of letters. Names with such are nobody's:
 * each spelling would have attempts of its own at the one password.
 */
const NAME = /^[\x21-\x7e]{1,256}$/
const LONGEST_PASSWORD = 4_096
const MOST_GROUPS = 1_000

export class Directory {
  readonly #settings: DirectorySettings

  constructor(settings: DirectorySettings) {
    this.#settings = settings
  }

  /**
   * Whom the directory vouches for; null where it is not the name's password, or the name is nobody's or several people's.
   * `sign-on.no-role`, `sign-on.invalid` where the entry has no id, `sign-on.unavailable`.
   */
  async verify(name: string, password: string): Promise<Vouched | null> {
    if (!NAME.test(name) || password === '' || password.length > LONGEST_PASSWORD) return null
    const sockets: Socket[] = []
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error('The directory takes too long.')), this.#settings.ldapTimeout)
    try {
      return await Promise.race([this.#ask(sockets, name, password), late.promise])
    } catch (error) {
      if (error instanceof Failure) throw error
      const failure = new Failure('sign-on.unavailable', 'The directory cannot be asked; try again later.')
      failure.cause = error
      throw failure
    } finally {
      clearTimeout(timer)
      for (const socket of sockets) socket.destroy()
    }
  }

  async #ask(sockets: Socket[], name: string, password: string): Promise<Vouched | null> {
    const client = await this.#connect(sockets)
    const { ldapUserDn, ldapBindDn, ldapBindPasswordFile } = this.#settings
    if (ldapUserDn !== '') {
      const dn = ldapUserDn.replaceAll('{name}', () => escapeDn(name))
      if (!(await isAccepted(client, dn, password))) return null
      const entry = await this.#find(client, dn, 'base', '(objectClass=*)')
      return entry && this.#vouched(entry, await this.#groupsOf(client, entry, name))
    }
    if (ldapBindDn !== '') await client.bind(ldapBindDn, await firstLineOf(ldapBindPasswordFile))
    const { ldapBase, ldapFilter } = this.#settings
    const entry = await this.#find(
      client,
      ldapBase,
      'sub',
      ldapFilter.replaceAll('{name}', () => escapeFilter(name)),
    )
    if (entry === null || entry.dn === '') return null
    const groups = await this.#groupsOf(client, entry, name)
    return (await isAccepted(client, entry.dn, password)) ? this.#vouched(entry, groups) : null
  }

  async #connect(sockets: Socket[]): Promise<Client> {
    const { ldapUrl, ldapStartTls, ldapCa, ldapTimeout } = this.#settings
    const url = new URL(ldapUrl)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const tls: ConnectionOptions = {
      host,
      minVersion: 'TLSv1.2',
      ...(isIP(host) === 0 && { servername: host }),
      ...(ldapCa !== '' && { ca: await readFile(ldapCa) }),
    }
    const kept = <S extends Socket>(socket: S): S => {
      sockets.push(socket)
      // Whoever waits for an answer hears of it; what fails after the log-in is of no interest.
      socket.on('error', () => undefined)
      return socket
    }
    const client = new Client({
      url: ldapUrl,
      timeout: ldapTimeout,
      connectTimeout: ldapTimeout,
      ...(url.protocol === 'ldaps:' && { tlsOptions: tls }),
      createConnection: ((...given: Parameters<typeof connectPlain>) =>
        kept(connectPlain(...given))) as typeof connectPlain,
      createSecureConnection: ((...given: Parameters<typeof connectSecurely>) =>
        kept(connectSecurely(...given))) as typeof connectSecurely,
    })
    if (url.protocol === 'ldap:' && ldapStartTls === 'on') await client.startTLS(tls)
    return client
  }

  /** The entry; null for none, and for several: then it is not known who is meant. */
  async #find(client: Client, base: string, scope: 'base' | 'sub', filter: string): Promise<Entry | null> {
    const { ldapNameAttribute, ldapIdAttribute, ldapGroupsAttribute } = this.#settings
    try {
      const { searchEntries } = await client.search(base, {
        scope,
        filter,
        attributes: [ldapNameAttribute, ldapIdAttribute, ldapGroupsAttribute],
        explicitBufferAttributes: [ldapIdAttribute],
        sizeLimit: 2,
      })
      return searchEntries.length === 1 ? (searchEntries[0] ?? null) : null
    } catch (error) {
      if (error instanceof SizeLimitExceededError) return null
      throw error
    }
  }

  async #groupsOf(client: Client, entry: Entry, name: string): Promise<string[]> {
    const { ldapGroupsAttribute, ldapGroupBase, ldapGroupFilter } = this.#settings
    if (ldapGroupBase === '') return textsOf(attributeOf(entry, ldapGroupsAttribute))
    const filter = ldapGroupFilter
      .replaceAll('{dn}', () => escapeFilter(entry.dn))
      .replaceAll('{name}', () => escapeFilter(name))
    const { searchEntries } = await client.search(ldapGroupBase, {
      scope: 'sub',
      filter,
      attributes: ['cn'],
      sizeLimit: MOST_GROUPS,
    })
    return searchEntries.map(({ dn }) => dn)
  }

  #vouched(entry: Entry, groups: readonly string[]): Vouched {
    const { ldapNameAttribute, ldapIdAttribute } = this.#settings
    const [id] = [attributeOf(entry, ldapIdAttribute)].flat()
    const subject = Buffer.isBuffer(id) ? textOrDigits(id) : typeof id === 'string' ? id : ''
    if (subject === '')
      throw new Failure(
        'sign-on.invalid',
        `The directory shows no ${ldapIdAttribute} of yours; an administrator can say which attribute it is.`,
      )
    const role = this.#roleOf(groups)
    if (role === null) throw new Failure('sign-on.no-role')
    const [name = ''] = textsOf(attributeOf(entry, ldapNameAttribute))
    return { issuer: ISSUER, subject, name, role, session: '' }
  }

  #roleOf(groups: readonly string[]): WorkingRole | null {
    const { ldapRoles, ldapDefaultRole } = this.#settings
    const named = new Set(groups.flatMap((group) => [plain(group), plain(firstNameOf(group))]))
    const theirs = ldapRoles.filter(({ word }) => named.has(plain(word))).map(({ value }) => value)
    return roles.find((role) => theirs.includes(role)) ?? roles.find((role) => role === ldapDefaultRole) ?? null
  }
}

/** Whether a bind succeeds. A refusal of whatever kind is one; a directory that cannot answer is an error. */
async function isAccepted(client: Client, dn: string, password: string): Promise<boolean> {
  try {
    await client.bind(dn, password)
    return true
  } catch (error) {
    // 51 busy, 52 unavailable, 80 other: it did not come to a decision.
    if (error instanceof ResultCodeError && ![51, 52, 80].includes(error.code)) return false
    throw error
  }
}

/** Attributes are named without regard to case, and servers choose how they write them. */
function attributeOf(entry: Entry, attribute: string): Entry[string] | undefined {
  const name = Object.keys(entry).find((each) => each !== 'dn' && each.toLowerCase() === attribute.toLowerCase())
  return name === undefined ? undefined : entry[name]
}

function textsOf(value: Entry[string] | undefined): string[] {
  return [value].flat().flatMap((one) => (one === undefined ? [] : [Buffer.isBuffer(one) ? one.toString('utf8') : one]))
}

/** An `entryUUID` is text, an `objectGUID` sixteen bytes. */
function textOrDigits(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  return /^[\x21-\x7e]+$/.test(text) ? text : bytes.toString('hex')
}

/** `hunters` of `cn=hunters,ou=groups,dc=example,dc=org`. */
function firstNameOf(dn: string): string {
  return /^[\w.-]+\s*=\s*((?:[^,\\+]|\\.)*)/.exec(dn)?.[1]?.replace(/\\(.)/g, '$1') ?? dn
}

/** As names are compared: without regard to case, and to blanks around commas and equals signs. */
function plain(text: string): string {
  return text
    .trim()
    .replace(/\s*([,=])\s*/g, '$1')
    .toLowerCase()
}

/** A value within a filter (RFC 4515). */
function escapeFilter(text: string): string {
  return text.replace(/[\\*()\0]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A value within a distinguished name (RFC 4514). */
function escapeDn(text: string): string {
  return text
    .replace(/[\\,+"<>;=#\0]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replace(/^ | $/g, '\\20')
}

async function firstLineOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0] ?? ''
}
