import { Failure } from '../errors/index.ts'
import { isMailAddress } from './mail-address.ts'
import {
  type ClientSettings,
  clientOptions,
  flagOf,
  type Option,
  options,
  type Settings,
  type Values,
  variableOf,
} from './options.ts'
import { hasPart } from './roles.ts'

/** What the command line gave, by option name, as the text that was written. */
export type Flags = Readonly<Record<string, unknown>>
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The settings in force: a flag before its environment variable before the preset. An empty variable counts as none.
 * Throws Failure `settings.invalid` that names the option, where its value came from, and what is allowed.
 */
export function readSettings(flags: Flags, env: Environment): Settings {
  const settings = readAll(options, flags, env)
  if (/\s/.test(settings.adminToken))
    refuse('The environment variable BACKTRAIL_ADMIN_TOKEN', 'must be text without spaces')
  if ((settings.tlsKey === '') !== (settings.tlsCert === ''))
    refuse('--tls-key and --tls-cert', 'must be given together; HTTPS needs both')
  if (settings.workers === 0 && settings.database === '')
    refuse('--workers', 'must be 1 or more, except for servers of a cluster, not "0"')
  demandWholeCluster(settings)
  demandWholeCloud(settings)
  demandWholeManager(settings)
  demandWholeProvider(settings)
  demandWholeMail(settings)
  demandWholeDirectory(settings)
  return settings
}

/**
 * How to reach the server that a command works through; an empty `server` means none. `tokenFor` gives the token of an earlier
 * log-in at a server, for when none is given; null where there is none.
 * Throws Failure `settings.invalid` as readSettings does.
 */
export function readClientSettings(
  flags: Flags,
  env: Environment,
  tokenFor: (server: string) => string | null = () => null,
): ClientSettings {
  const settings = readAll(clientOptions, flags, env)
  const { server } = settings
  if (server === '') return settings
  demandAddress(server)
  const token = settings.token || (tokenFor(server) ?? '')
  if (token === '')
    refuse(
      '--token (BACKTRAIL_TOKEN)',
      `is needed to work through ${server}, or a log-in: "backtrail login --server ${server}"`,
    )
  return { server, token }
}

/** The server that a command is about. Throws Failure `settings.invalid` as readSettings does, and where there is none. */
export function readClientAddress(flags: Flags, env: Environment): string {
  const { server } = readAll(clientOptions, flags, env)
  if (server === '') refuse('--server (BACKTRAIL_URL)', `is needed: ${clientOptions.server.kind.allowed}`)
  demandAddress(server)
  return server
}

function demandAddress(server: string): void {
  if (!/^https?:$/.test(URL.parse(server)?.protocol ?? ''))
    refuse('--server (BACKTRAIL_URL)', `must be ${clientOptions.server.kind.allowed}, not "${server}"`)
}

/** Rows that several machines reach and contents that one has, or the other way round, would be lost with that one. */
function demandWholeCluster(settings: Settings): void {
  const { database, databasePasswordFile, store, storeEndpoint, storeCredentials, storeCa } = settings
  const [ofDatabase, ofStore] = ['--database (BACKTRAIL_DATABASE)', '--store (BACKTRAIL_STORE)']
  if (database !== '' && store === '')
    refuse(ofDatabase, `needs ${ofStore}: whoever reaches the rows in PostgreSQL has to reach samples and index too`)
  if (store !== '' && database === '')
    refuse(ofStore, `needs ${ofDatabase}: rows in the data folder, and samples elsewhere, would not be lost together`)
  if (database === '') {
    const alone = Object.entries({
      '--database-password-file': databasePasswordFile,
      '--store-endpoint': storeEndpoint,
      '--store-credentials': storeCredentials,
      '--store-ca': storeCa,
    }).find(([, value]) => value !== '')
    if (alone) refuse(alone[0], `is of no use without ${ofDatabase} and ${ofStore}`)
    return
  }
  // The value may have a password in it, and is not repeated.
  if (!/^postgres(?:ql)?:\/\//.test(database)) refuse(ofDatabase, `must be ${options.database.kind.allowed}`)
  if (databasePasswordFile !== '' && /^\w+:\/\/[^/@]*:[^/@]*@/.test(database))
    refuse('A password in --database and --database-password-file', 'must not be given together')
  if (!store.startsWith('s3://')) refuse(ofStore, `must be ${options.store.kind.allowed}, not "${store}"`)
  if (storeEndpoint !== '' && !/^https?:$/.test(URL.parse(storeEndpoint)?.protocol ?? ''))
    refuse('--store-endpoint (BACKTRAIL_STORE_ENDPOINT)', `must be ${options.storeEndpoint.kind.allowed}`)
}

/** A cloud is an address, a user and one password; all else of it is of no use alone. */
function demandWholeCloud(settings: Settings): void {
  const { cloudUrl, cloudUser, cloudPassword, cloudPasswordFile, cloudProxy, cloudCa, cloudContribute } = settings
  const given = {
    '--cloud-user': cloudUser,
    BACKTRAIL_CLOUD_PASSWORD: cloudPassword,
    '--cloud-password-file': cloudPasswordFile,
    '--cloud-proxy': cloudProxy,
    '--cloud-ca': cloudCa,
    '--cloud-contribute': cloudContribute === 'on' ? 'on' : '',
  }
  if (cloudUrl === '') {
    const alone = Object.entries(given).find(([, value]) => value !== '')
    if (alone) refuse(alone[0], 'is of no use without --cloud-url (BACKTRAIL_CLOUD_URL), the address of the cloud')
    return
  }
  const url = URL.parse(cloudUrl)
  if (!/^https?:$/.test(url?.protocol ?? ''))
    refuse('--cloud-url (BACKTRAIL_CLOUD_URL)', `must be ${options.cloudUrl.kind.allowed}, not "${cloudUrl}"`)
  if (url?.username || url?.password || url?.search || url?.hash)
    refuse(
      '--cloud-url (BACKTRAIL_CLOUD_URL)',
      'must be an address alone; the user and the password have their own settings',
    )
  if (cloudUser === '' || cloudUser.includes(':'))
    refuse('--cloud-user (BACKTRAIL_CLOUD_USER)', 'is needed with --cloud-url, and has no colon')
  if (cloudPassword === '' && cloudPasswordFile === '')
    refuse('BACKTRAIL_CLOUD_PASSWORD or --cloud-password-file', 'is needed with --cloud-url')
  if (cloudPassword !== '' && cloudPasswordFile !== '')
    refuse('BACKTRAIL_CLOUD_PASSWORD and --cloud-password-file', 'must not be given together')
  if (cloudProxy !== '' && !/^https?:$/.test(URL.parse(cloudProxy)?.protocol ?? ''))
    refuse('--cloud-proxy (BACKTRAIL_CLOUD_PROXY)', `must be ${options.cloudProxy.kind.allowed}`)
}

/** A manager is an address and a token. */
function demandWholeManager(settings: Settings): void {
  const { role, managerUrl, managerToken, managerTokenFile, managerKey, managerCa } = settings
  if (managerUrl === '') {
    const given = { managerToken, managerTokenFile, managerKey, managerCa }
    const [name] = Object.entries(given).find(([, value]) => value !== '') ?? []
    if (name !== undefined) refuse(flagOf(name), 'is of no use without --manager-url')
    return
  }
  const url = URL.parse(managerUrl)
  const flag = '--manager-url (BACKTRAIL_MANAGER_URL)'
  if (!hasPart(role, 'appliance')) refuse(flag, `is for appliances, and --role ${role} is none`)
  if (!/^https?:$/.test(url?.protocol ?? ''))
    refuse(flag, `must be ${options.managerUrl.kind.allowed}, not "${managerUrl}"`)
  if (url?.username || url?.password || url?.search || url?.hash)
    refuse(flag, 'must be an address alone; the token has its own settings')
  if (url?.protocol === 'http:' && !isThisMachine(url))
    refuse(
      flag,
      `must start with https://, unless the manager is on the same machine: the token and all rulesets would go over the network in the clear (the manager takes --tls-key and --tls-cert), not "${managerUrl}"`,
    )
  if (managerToken === '' && managerTokenFile === '')
    refuse('BACKTRAIL_MANAGER_TOKEN or --manager-token-file', 'is needed with --manager-url')
  if (managerToken !== '' && managerTokenFile !== '')
    refuse('BACKTRAIL_MANAGER_TOKEN and --manager-token-file', 'must not be given together')
}

/** A mail server is an address, and somebody whom mails come from; a password goes to no other machine in the clear. */
function demandWholeMail({ mailServer, mailFrom, mailPasswordFile, mailCa }: Settings): void {
  const flag = '--mail-server (BACKTRAIL_MAIL_SERVER)'
  if (mailServer === '') {
    if (mailFrom === '' && mailPasswordFile === '' && mailCa === '') return
    refuse('The settings --mail-…', `are of no use without ${flag}, the server that passes mails on`)
  }
  const url = URL.parse(mailServer)
  if (
    !url ||
    !/^smtps?:$/.test(url.protocol) ||
    url.hostname === '' ||
    !/^\/?$/.test(url.pathname) ||
    url.search ||
    url.hash
  )
    refuse(flag, `must be ${options.mailServer.kind.allowed} and names a host`)
  if (url.password !== '') refuse(flag, 'must not have the password in it: --mail-password-file names a file with it')
  if ((url.username === '') !== (mailPasswordFile === ''))
    refuse('--mail-password-file and a user name in --mail-server', 'must be given together')
  if (!isMailAddress(mailFrom))
    refuse('--mail-from (BACKTRAIL_MAIL_FROM)', 'must be one e-mail address, such as backtrail@example.com')
}

/** An identity provider is an address and a client; what it may make of people has to be said. */
function demandWholeProvider(settings: Settings): void {
  const { oidcIssuer, oidcClientId, oidcClientSecretFile, oidcRoles, oidcDefaultRole, oidcScopes } = settings
  const flag = '--oidc-issuer (BACKTRAIL_OIDC_ISSUER)'
  if (oidcIssuer === '') {
    if (oidcClientId === '' && oidcClientSecretFile === '' && oidcRoles.length === 0) return
    refuse('The settings --oidc-…', `are of no use without ${flag}, the address of the identity provider`)
  }
  const url = URL.parse(oidcIssuer)
  // What is not encrypted is for trying it on one machine.
  const isLocal = url?.protocol === 'http:' && isThisMachine(url)
  if (!url || !(url.protocol === 'https:' || isLocal) || url.search || url.hash || url.username)
    refuse(flag, `must be ${options.oidcIssuer.kind.allowed}, not "${oidcIssuer}"`)
  if (oidcClientId === '') refuse('--oidc-client-id (BACKTRAIL_OIDC_CLIENT_ID)', 'is needed with --oidc-issuer')
  if (!oidcScopes.split(/\s+/).includes('openid'))
    refuse('--oidc-scopes (BACKTRAIL_OIDC_SCOPES)', `must be ${options.oidcScopes.kind.allowed}`)
  if (oidcRoles.length === 0 && oidcDefaultRole === 'none')
    refuse('--oidc-roles or --oidc-default-role', 'is needed with --oidc-issuer: nobody could log in')
}

/** A directory is an address and a way to find users; nothing goes to it in the clear but on this machine. */
function demandWholeDirectory(settings: Settings): void {
  const { ldapUrl, ldapStartTls, ldapUserDn, ldapBindDn, ldapBindPasswordFile, ldapBase } = settings
  const { ldapFilter, ldapGroupBase, ldapGroupFilter, ldapRoles, ldapDefaultRole } = settings
  const flag = '--ldap-url (BACKTRAIL_LDAP_URL)'
  if (ldapUrl === '') {
    if (ldapUserDn === '' && ldapBindDn === '' && ldapBase === '' && ldapRoles.length === 0) return
    refuse('The settings --ldap-…', `are of no use without ${flag}, the address of the directory`)
  }
  const url = URL.parse(ldapUrl)
  if (
    !url ||
    !/^ldaps?:$/.test(url.protocol) ||
    url.hostname === '' ||
    url.pathname.length > 1 ||
    url.search ||
    url.username
  )
    refuse(flag, `must be ${options.ldapUrl.kind.allowed} and names a host, not "${ldapUrl}"`)
  if (url.protocol === 'ldap:' && ldapStartTls === 'off' && !isThisMachine(url))
    refuse(
      '--ldap-start-tls off',
      'is for a directory on the same machine: passwords would go over the network in the clear',
    )
  if ((ldapUserDn === '') === (ldapBase === ''))
    refuse('One of --ldap-user-dn and --ldap-base', 'is needed with --ldap-url: where users are')
  for (const [name, value, needed] of [
    ['--ldap-user-dn', ldapUserDn, /\{name\}/],
    ['--ldap-filter', ldapFilter, /^\(.*\{name\}.*\)$/],
    ['--ldap-group-filter', ldapGroupFilter, /^\(.*\{(?:dn|name)\}.*\)$/],
  ] as const)
    if (value !== '' && !needed.test(value)) refuse(name, `must have the place of the user in it, not be "${value}"`)
  if ((ldapBindDn === '') !== (ldapBindPasswordFile === ''))
    refuse('--ldap-bind-dn and --ldap-bind-password-file', 'must be given together')
  if (ldapUserDn !== '' && ldapBindDn !== '' && ldapGroupBase === '')
    refuse('--ldap-bind-dn', 'is of no use with --ldap-user-dn: users are not searched for')
  if (ldapRoles.length === 0 && ldapDefaultRole === 'none')
    refuse('--ldap-roles or --ldap-default-role', 'is needed with --ldap-url: nobody could log in')
}

/** The host of an address is the machine that the server runs on. */
export function isThisMachine({ hostname }: URL): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}

function readAll<C extends Readonly<Record<string, Option<unknown>>>>(catalogue: C, flags: Flags, env: Environment) {
  const values = Object.entries(catalogue).map(([name, option]) => [name, readOne(name, option, flags, env)])
  // Each value was parsed by its own option's kind, which the entries' common type does not show.
  return Object.fromEntries(values) as Values<C>
}

function readOne<T>(name: string, option: Option<T>, flags: Flags, env: Environment): T {
  const flag = option.secret ? undefined : flags[name]
  const variable = variableOf(name, option)
  const [source, given] =
    typeof flag === 'string' ? [flagOf(name), flag] : [`The environment variable ${variable}`, env[variable] ?? '']
  if (given.trim() === '' && typeof flag !== 'string') return option.default
  const value = given.trim() === '' ? undefined : option.kind.parse(given.trim())
  if (value === undefined) refuse(source, `must be ${option.kind.allowed}, not "${given}"`)
  return value
}

function refuse(source: string, reason: string): never {
  throw new Failure('settings.invalid', `${source} ${reason}.`)
}
