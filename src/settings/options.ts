/**
 * Every option, described once. The command line's help, the environment variables, the error messages and
 * docs/configuration.md come from here.
 *
 * A flag is the option's name with dashes (`uploadLimit` → `--upload-limit`), an environment variable the same in
 * capitals (`BACKTRAIL_UPLOAD_LIMIT`), unless the option says otherwise.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { clusterOptions } from './cluster-options.ts'
import {
  addressPath,
  choice,
  count,
  duration,
  hosts,
  isNetwork,
  list,
  networks,
  path,
  size,
  text,
  webAddress,
} from './kinds.ts'
import { mailOptions } from './mail-options.ts'
import { hour, minute, type Option, option, second } from './option.ts'
import { publishingOptions } from './publishing-options.ts'
import { signOnOptions } from './sign-on-options.ts'

export type { Option }

/** What a server is. */
export type ServerRole = 'appliance' | 'cloud' | 'both' | 'manager' | 'appliance-and-manager'

const KB = 1 << 10
const MB = 1 << 20
const GB = 1 << 30

const proxyGroups = ['loopback', 'linklocal', 'uniquelocal']

/** Options of the server, and of commands that work on the data folder themselves. */
export const options = {
  host: option({
    kind: text('address', 'a host name or an address'),
    default: '127.0.0.1',
    about: 'The address to listen on; 0.0.0.0 or :: for every interface.',
  }),
  port: option({
    kind: count(0, 65_535),
    default: 8080,
    about: 'The port to listen on; 0 takes a free one, and the start prints which.',
  }),
  data: option({
    kind: path('folder'),
    default: resolve('data'),
    formatDefault: './data',
    about: 'The folder that holds everything: samples, database and index; it is made when it is missing.',
  }),
  ...clusterOptions,
  adminToken: option({
    kind: text('token', 'text without spaces'),
    default: '',
    formatDefault: 'made at random',
    about: 'The API token that the first administrator gets on the first start, for scripted set-ups.',
    secret: true,
  }),
  workers: option({
    kind: count(0, 256),
    default: Math.max(1, availableParallelism()),
    formatDefault: "the machine's CPU count",
    about:
      'How many worker processes read, index and scan samples; 0 for a server of a cluster that only passes requests on.',
  }),
  uploadLimit: option({
    kind: size(KB, 64 * GB),
    default: 700 * MB,
    about: 'The largest file that is accepted; a larger one is answered with 413.',
  }),
  scanLimit: option({
    kind: size(KB, 64 * GB),
    default: 700 * MB,
    about: 'The largest sample that is matched with YARA; a larger one is stored, and hunts count it as skipped.',
  }),
  scanTimeout: option({
    kind: duration(second, 24 * hour),
    default: 20 * second,
    about: 'How much processor time rules may take on one sample before the scan is ended and the sample marked.',
  }),
  compileTimeout: option({
    kind: duration(second, hour),
    default: 30 * second,
    about: 'How long the check of one ruleset may take before it is ended and the ruleset refused to run.',
  }),
  engine: option<'native' | 'wasm'>({
    kind: choice('engine', 'native', 'wasm'),
    default: 'native',
    about:
      'Which builds of the YARA engine run the rules: those for this machine, with WebAssembly where there are none, or WebAssembly alone, which is slower.',
  }),
  workerMemory: option({
    kind: size(256 * MB, 1024 * GB),
    default: 2 * GB,
    about: 'The resident memory at which a worker process is replaced by a fresh one.',
  }),
  archiveDepth: option({
    kind: count(0, 32),
    default: 5,
    about: 'How deep archives in archives are unpacked; 0 unpacks none.',
  }),
  archiveMembers: option({
    kind: count(1, 1_000_000),
    default: 10_000,
    about: 'How many members of one archive are taken in.',
  }),
  archiveBytes: option({
    kind: size(MB, 1024 * GB),
    default: 4 * GB,
    about: 'How many bytes the members of one archive may have together.',
  }),
  archiveRatio: option({
    kind: count(1, 1_000_000),
    default: 250,
    about: 'How many times larger than the archive its members may be together.',
  }),
  archiveTimeout: option({
    kind: duration(second, hour),
    default: 2 * minute,
    about: 'How long the unpacking of one archive may take.',
  }),
  huntsAtOnce: option({
    kind: count(1, 64),
    default: 2,
    about: 'How many hunts run at once; more wait their fair turn, users in rotation.',
  }),
  role: option<ServerRole>({
    kind: choice('role', 'appliance', 'cloud', 'both', 'manager', 'appliance-and-manager'),
    default: 'appliance',
    about:
      'What the server is: an appliance for analysts, a cloud that tenants run rulesets in with their appliances, or both; a manager through which several appliances share rulesets, or an appliance that is their manager too.',
  }),
  tenantRulesets: option({
    kind: count(1, 1_000_000),
    default: 1_000,
    about: 'How many rulesets a tenant of the cloud may have.',
  }),
  tenantRetroRate: option({
    kind: count(0, 1_000),
    default: 1,
    about:
      'How many requests about retro hunts a tenant of the cloud may make in a second before it is answered with 429; 0 for no limit.',
  }),
  retroHuntsAtOnce: option({
    kind: count(1, 64),
    default: 2,
    about: 'How many retro hunts of the cloud run at once; more wait their fair turn, tenants in rotation.',
  }),
  retroMatches: option({
    kind: count(1, 10_000_000),
    default: 10_000,
    about: 'How many samples a retro hunt of the cloud may find before it ends as capped.',
  }),
  retroDays: option({
    kind: count(1, 36_500),
    default: 90,
    about: 'How many days ago the cloud may have last seen a sample for retro hunts to cover it.',
  }),
  retroSampleLimit: option({
    kind: size(KB, 64 * GB),
    default: 200 * MB,
    about: 'The largest sample that retro hunts of the cloud cover.',
  }),
  feedDays: option({
    kind: count(1, 36_500),
    default: 365,
    about: 'How many days the cloud keeps matches in the feeds of its tenants.',
  }),
  auditDays: option({
    kind: count(1, 36_500),
    default: 730,
    about: 'How many days the audit log tells who did what.',
  }),
  retentionInterval: option({
    kind: duration(second, 7 * 24 * hour),
    default: hour,
    about: 'How often samples are looked for that are to be deleted by themselves, once retention is turned on.',
  }),
  quotaDaySamples: option({
    kind: count(0, 1_000_000_000),
    default: 0,
    about: 'How many samples a user may send in a day (UTC), unless the user has a quota of their own; 0 for no limit.',
  }),
  quotaDayBytes: option({
    kind: size(0, 1024 * 1024 * GB),
    default: 0,
    about: 'How many bytes a user may send in a day (UTC), unless the user has a quota of their own; 0 for no limit.',
  }),
  quotaTotalSamples: option({
    kind: count(0, 1_000_000_000),
    default: 0,
    about: 'How many samples of a user may be stored, unless the user has a quota of their own; 0 for no limit.',
  }),
  quotaTotalBytes: option({
    kind: size(0, 1024 * 1024 * GB),
    default: 0,
    about: 'How many bytes of a user may be stored, unless the user has a quota of their own; 0 for no limit.',
  }),
  traceUrl: option({
    kind: webAddress(),
    default: '',
    formatDefault: 'none',
    about:
      'Where traces of requests and hunts go, by OTLP over HTTP: http://127.0.0.1:4318/v1/traces. Without it nothing is traced.',
  }),
  traceShare: option({
    kind: count(1, 100),
    default: 100,
    about:
      'How many of a hundred traces that begin here are sent; a trace that a client has begun is sent if it says so.',
  }),
  rateLimit: option({
    kind: count(0, 10_000_000),
    default: 30_000,
    about: 'How many requests one client address may make in a minute before it is answered with 429; 0 for no limit.',
  }),
  loginLimit: option({
    kind: count(1, 10_000),
    default: 20,
    about: 'How many log-ins one client address may try in a minute before it is answered with 429.',
  }),
  trustProxy: option({
    kind: list(
      'addresses',
      `addresses or networks separated by commas, or ${proxyGroups.join(', ')}`,
      (word) => proxyGroups.includes(word) || isNetwork(word),
    ),
    default: [],
    formatDefault: 'none',
    about: 'The proxies whose X-Forwarded-For, -Proto, -Host and -Prefix headers are believed.',
  }),
  basePath: option({
    kind: addressPath(),
    default: '',
    formatDefault: 'none',
    about: 'The path under which a proxy shows the server, whether the proxy takes it off or passes it on.',
  }),
  tlsKey: option({
    kind: path('file'),
    default: '',
    formatDefault: 'none',
    about: 'The private key (PEM) for HTTPS; needs the certificate too.',
  }),
  tlsCert: option({
    kind: path('file'),
    default: '',
    formatDefault: 'none',
    about: 'The certificate with its chain (PEM) for HTTPS; needs the key too.',
  }),
  ...signOnOptions,
  cloudUrl: option({
    kind: text('url', 'an address that starts with http:// or https://'),
    default: '',
    formatDefault: 'none: the appliance has no cloud',
    about: "The cloud to run rulesets in: https://data.reversinglabs.com, or another Backtrail's.",
  }),
  cloudUser: option({
    kind: text('name', 'the name of an account'),
    default: '',
    formatDefault: 'none',
    about: 'The account in the cloud.',
  }),
  cloudPassword: option({
    kind: text('password', 'the password of that account'),
    default: '',
    formatDefault: 'none',
    about: 'The password of the account in the cloud; a password file does the same.',
    secret: true,
  }),
  cloudPasswordFile: option({
    kind: path('file'),
    default: '',
    formatDefault: 'none',
    about: 'A file with the password of the account in the cloud as its first line.',
  }),
  cloudProxy: option({
    kind: text('url', 'an address that starts with http:// or https://'),
    default: '',
    formatDefault: 'none',
    about: 'The proxy through which the cloud is reached, such as http://user:password@proxy.example:3128.',
  }),
  cloudCa: option({
    kind: path('file'),
    default: '',
    formatDefault: 'the well-known authorities',
    about: 'Certificates (PEM) of the authorities that the cloud is believed by, in place of the well-known ones.',
  }),
  cloudContribute: option({
    kind: choice('on|off', 'on', 'off'),
    default: 'off',
    about: 'Whether new samples are sent to the cloud, where everybody who uses it may have them.',
  }),
  cloudPoll: option({
    kind: duration(second, hour),
    default: 30 * second,
    about: 'How often the cloud is asked for new matches, and for the state of rulesets and hunts that change there.',
  }),
  cloudWait: option({
    kind: duration(0, 5 * minute),
    default: 10 * second,
    about: 'How long a request of a user waits for the cloud; what takes longer goes on in the background.',
  }),
  cloudTimeout: option({
    kind: duration(second, 10 * minute),
    default: minute,
    about: 'How long the cloud may take to answer one question.',
  }),
  ...publishingOptions,
  ruleSourceHosts: option({
    kind: hosts(),
    default: ['github.com', '*.github.com', '*.githubusercontent.com', 'gitlab.com', 'codeberg.org', 'bitbucket.org'],
    about: 'The hosts that rules may be fetched from, those that they send on to included.',
  }),
  ruleSourceNetworks: option({
    kind: networks(),
    default: [],
    formatDefault: 'none',
    about: 'The networks without public addresses that rules may be fetched from.',
  }),
  ruleSourceCa: option({
    kind: path('file'),
    default: '',
    formatDefault: 'the well-known authorities',
    about:
      'Certificates (PEM) of the authorities that hosts of rules are believed by, in place of the well-known ones.',
  }),
  ruleSourceInterval: option({
    kind: duration(0, 365 * 24 * hour),
    default: 24 * hour,
    about: 'How often rules are fetched anew from sources that are kept up to date; 0 for never by itself.',
  }),
  ruleSourceBytes: option({
    kind: size(MB, 16 * GB),
    default: 256 * MB,
    about: 'How much is downloaded of one source of rules, and how large it may be unpacked.',
  }),
  ruleSourceFiles: option({
    kind: count(1, 10_000_000),
    default: 50_000,
    about: 'How many files a source of rules may have, of whatever kind.',
  }),
  ruleSourceTimeout: option({
    kind: duration(second, 24 * hour),
    default: 10 * minute,
    about: 'How long fetching and reading one source of rules may take.',
  }),
  publicUrl: option({
    kind: webAddress(),
    default: '',
    formatDefault: 'none: messages have no links',
    about: 'Where people reach the web application, for the links in notifications.',
  }),
  webhookHosts: option({
    kind: hosts(),
    default: ['*'],
    about: 'The hosts that webhooks of users may be sent to.',
  }),
  webhookNetworks: option({
    kind: networks(),
    default: [],
    formatDefault: 'none',
    about: 'The networks without public addresses that webhooks may be sent to, there also without https.',
  }),
  webhookCa: option({
    kind: path('file'),
    default: '',
    formatDefault: 'the well-known authorities',
    about:
      'Certificates (PEM) of the authorities that receivers of webhooks are believed by, in place of the well-known ones.',
  }),
  ...mailOptions,
  logLevel: option({
    kind: choice('level', 'fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    about: 'The least important kind of event that is logged.',
  }),
  logFormat: option({
    kind: choice('format', 'auto', 'json', 'text'),
    default: 'auto',
    about: 'How events are logged to the standard error output; auto is text on a terminal and JSON lines elsewhere.',
  }),
  shutdownGrace: option({
    kind: duration(0, hour),
    default: 30 * second,
    about: 'How long requests under way may take to end when the server is asked to stop.',
  }),
} as const

/** Options of commands that talk to a running server. */
export const clientOptions = {
  server: option({
    kind: text('url', 'an address that starts with http:// or https://'),
    default: '',
    formatDefault: 'none: the data folder is used directly',
    about: 'The running server to work through.',
    variable: 'BACKTRAIL_URL',
  }),
  token: option({
    kind: text('token', 'text without spaces'),
    default: '',
    formatDefault: 'that of "backtrail login"',
    about: 'The API token for that server.',
    variable: 'BACKTRAIL_TOKEN',
  }),
} as const

export type Values<C> = { readonly [K in keyof C]: C[K] extends Option<infer T> ? T : never }

/**
 * The values in force. Sizes are in bytes, times in milliseconds, paths absolute; an empty text or list means that there
 * is none.
 */
export type Settings = Values<typeof options>
export type ClientSettings = Values<typeof clientOptions>
/** `--upload-limit` for `uploadLimit`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** `BACKTRAIL_UPLOAD_LIMIT` for `uploadLimit`. */
export function variableOf(name: string, { variable }: { readonly variable?: string }): string {
  return variable ?? `BACKTRAIL_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}
