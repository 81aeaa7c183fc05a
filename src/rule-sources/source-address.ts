/** What may be given as a source, and which kind it is. */
import { Failure } from '../errors/index.ts'
import type { NetworkRules } from '../network/index.ts'
import { demandHost } from './fetching/network.ts'
import type { SourceKind } from './fetching/order.ts'

const LONGEST_ADDRESS = 2_000
const PACKAGE_FILE = /\.(zip|tar|tgz|tbz2?|txz|tzst|7z|gz|bz2|xz|zst|yar|yara|yr|rules?)$/i
/** Of a repository as a package: `/owner/name/archive/…`, `/group/name/-/archive/…`, `/owner/name/zipball`. */
const PACKAGE_PATH = /^\/[^/]+\/[^/]+\/(.+\/)?(-\/)?(archive\/.|(zip|tar)ball(\/|$))/

/** The address as it is kept. `source.invalid`, `source.refused`. */
export function checkedAddress(given: string, rules: NetworkRules): string {
  const url = URL.parse(given.trim())
  if (url === null || url.protocol !== 'https:' || given.length > LONGEST_ADDRESS) throw new Failure('source.invalid')
  if (url.username !== '' || url.password !== '') {
    throw new Failure('source.invalid', 'The address must not have a password in it; give the token by itself.')
  }
  url.hash = ''
  demandHost(url.hostname.replace(/^\[|\]$/g, ''), rules)
  return url.href
}

/** Addresses of repositories end in no file; those of packages do. */
export function kindOf(url: string): SourceKind {
  const { pathname } = new URL(url)
  return PACKAGE_FILE.test(pathname) || PACKAGE_PATH.test(pathname) ? 'archive' : 'git'
}

/** A branch or a tag as git names them; '' for the default. `source.invalid`. */
export function checkedBranch(branch: string): string {
  const isName = /^[^\s~^:?*[\\\p{C}]{1,250}$/u.test(branch) && !/^[-/.]|\.\.|@\{|\/\/|[/.]$|\.lock$/.test(branch)
  if (branch !== '' && !isName) throw new Failure('source.invalid', `${branch} is no name of a branch or tag.`)
  return branch
}

/** `source.invalid` for one that cannot stand in a header. */
export function checkedToken(token: string): string {
  if (!/^[\x21-\x7e]{0,2000}$/.test(token)) {
    throw new Failure('source.invalid', 'A token has printable ASCII characters and no spaces.')
  }
  return token
}

/** What a source is called where nobody says it: the last steps of its address, `Neo23x0/signature-base`. */
export function nameFor(url: string): string {
  const { hostname, pathname } = new URL(url)
  const steps = pathname.split('/').filter(Boolean)
  return (
    steps
      .slice(0, 2)
      .join('/')
      .replace(/\.git$/, '')
      .slice(0, 100) || hostname
  )
}

/** `source.invalid` for one that nobody could see or type. */
export function checkedName(name: string): string {
  const trimmed = name.trim()
  if (trimmed === '' || trimmed.length > 100 || /[\p{C}\p{Zl}\p{Zp}]/u.test(trimmed)) {
    throw new Failure('source.invalid', 'A rule source has a name of 1 to 100 visible characters.')
  }
  return trimmed
}
