/**
 * The tokens that `backtrail login` has got, by the address of the server: a file that its user alone can read, in
 * `$XDG_CONFIG_HOME/backtrail` or `~/.config/backtrail`.
 *
 *     { "servers": { "https://backtrail.example": { "token": "…", "user": "ana", "expires": "2026-12-29T10:00:00.000Z" } } }
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Failure } from '../errors/index.ts'
import { reasonOf } from './walk.ts'

export interface SavedLogIn {
  readonly token: string
  readonly user: string
  /** ISO 8601; the server refuses the token from then on. */
  readonly expires: string
}

const OTHERS = 0o077

/** The log-in at a server; null where there is none, or where it has ended. `settings.invalid` for a file that is not ours. */
export function savedLogIn(server: string): SavedLogIn | null {
  const saved = readAll()[keyOf(server)]
  return saved && Date.parse(saved.expires) > Date.now() ? saved : null
}

/** Keeps a log-in in place of the one before; null removes it. */
export function saveLogIn(server: string, logIn: SavedLogIn | null): void {
  const { [keyOf(server)]: _, ...others } = readAll()
  const servers = logIn === null ? others : { ...others, [keyOf(server)]: logIn }
  const file = credentialsFile()
  const fresh = `${file}.${process.pid}.new`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(fresh, `${JSON.stringify({ servers }, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
    renameSync(fresh, file)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw new Failure('settings.invalid', `The log-in cannot be kept in ${file}: ${reasonOf(error)}.`)
  }
}

export function credentialsFile(): string {
  const folder = process.env.XDG_CONFIG_HOME || join(homedir(), '.config')
  return join(folder, 'backtrail', 'credentials.json')
}

function readAll(): Readonly<Record<string, SavedLogIn>> {
  const file = credentialsFile()
  let text: string
  try {
    if ((statSync(file).mode & OTHERS) !== 0)
      throw new Failure('settings.invalid', `Others can read ${file}, which has tokens: run "chmod 600 ${file}".`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Failure) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new Failure(
      'settings.invalid',
      `${file}, which has the tokens of log-ins, cannot be read: ${reasonOf(error)}.`,
    )
  }
  try {
    const entries = Object.entries<Partial<SavedLogIn> | null>(JSON.parse(text).servers)
    return Object.fromEntries(entries.filter((entry): entry is [string, SavedLogIn] => isLogIn(entry[1])))
  } catch {
    throw new Failure('settings.invalid', `${file} is damaged: remove it, and run "backtrail login" again.`)
  }
}

const isLogIn = (given: Partial<SavedLogIn> | null): given is SavedLogIn =>
  [given?.token, given?.user, given?.expires].every((text) => typeof text === 'string')

/** The same for each way to write an address. */
function keyOf(server: string): string {
  const { origin, pathname } = new URL(server)
  return `${origin}${pathname.replace(/\/+$/, '')}`
}
