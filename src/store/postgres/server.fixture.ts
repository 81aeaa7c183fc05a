/**
 * A PostgreSQL of this process alone: a cluster in a temporary folder, on a socket in that folder. It ends with this
 * process, however that ends, and never runs as root: where the tests do, it belongs to the user `postgres` or, without
 * one, `nobody`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

/** Where `initdb` and `postgres` are: as Debian has them, the newest first, or on the PATH. */
function findPrograms(): string | null {
  const ofDebian = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => versionIn(b) - versionIn(a))
  const folders = [...ofDebian, ...(process.env.PATH ?? '').split(delimiter)]
  return folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name)))) ?? null
}

const versionIn = (path: string): number => Number(/\d+/.exec(path)?.[0] ?? 0)

const programs = findPrograms()

/**
 * False where a server can be had, else why tests that need one are skipped. Under BACKTRAIL_NO_SKIPS=1 they are not, and
 * fail.
 */
export const noServer: string | false =
  programs !== null || process.env.BACKTRAIL_NO_SKIPS === '1'
    ? false
    : 'NOT TESTED ON PostgreSQL: neither /usr/lib/postgresql nor the PATH has initdb and postgres (apt-get install postgresql)'

/** The path of one of its programs, such as `pg_dump`. */
export function postgresProgram(name: string): string {
  return join(programs ?? '', name)
}

/** Nothing that is measured: a machine under load takes its time. */
const START_MS = 120_000

const cache = fileURLToPath(new URL('../../../node_modules/.cache/postgres', import.meta.url))

class Server {
  readonly #folder = mkdtempSync(join(tmpdir(), 'backtrail-pg-'))
  readonly #asUser: readonly string[]
  #process: ChildProcess

  constructor() {
    if (programs === null) throw new Error('There is no PostgreSQL here: neither initdb nor postgres were found.')
    this.#asUser = process.getuid?.() === 0 ? this.#giveAway() : []
    // The order of texts and the case of letters are what the schema says: the database's own are others.
    const locale = ['--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en-US']
    const made = ['-U', 'backtrail', '-A', 'trust', '-E', 'UTF8', '-N', ...locale]
    this.#initialize(made)
    this.#process = this.#spawn()
  }

  /**
   * As `initdb` does it, which takes a second and more of a processor: whoever is the first leaves a copy of what it has made,
   * for all others of this checkout.
   */
  #initialize(made: readonly string[]): void {
    const { mtimeMs } = statSync(join(programs ?? '', 'postgres'))
    const what = JSON.stringify([programs, mtimeMs, this.#asUser, made])
    const copy = join(cache, createHash('sha256').update(what).digest('hex'))
    if (existsSync(copy)) return void execFileSync('cp', ['-a', copy, this.#data])
    const [command = '', ...given] = this.#command('initdb', ['-D', this.#data, ...made])
    execFileSync(command, given, { cwd: this.#folder, stdio: ['ignore', 'ignore', 'inherit'] })
    mkdirSync(cache, { recursive: true })
    const fresh = join(mkdtempSync(join(cache, 'fresh-')), 'data')
    execFileSync('cp', ['-a', this.#data, fresh])
    try {
      renameSync(fresh, copy)
    } catch {
      // Another process was faster.
    }
    rmSync(dirname(fresh), { recursive: true })
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  address(database: string): string {
    return `postgres://backtrail@/${database}?host=${encodeURIComponent(this.#folder)}`
  }

  /** Resolves when it answers. */
  async answer(): Promise<void> {
    for (const started = performance.now(); ; await delay(20)) {
      const client = new pg.Client(this.address('postgres'))
      client.on('error', () => {})
      try {
        await client.connect()
        return await client.end()
      } catch (error) {
        const hasEnded = this.#process.exitCode !== null
        if (hasEnded || performance.now() - started > START_MS)
          throw new Error(`PostgreSQL does not start: ${readFileSync(this.#log, 'utf8')}`, { cause: error })
      }
    }
  }

  /** Ends it and starts it anew, as an update of the system does; all connections are lost. */
  async restart(): Promise<void> {
    this.#process.ref()
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGINT')
    await ended
    this.#process = this.#spawn()
  }

  async end(): Promise<void> {
    this.#process.ref()
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGQUIT')
    await ended
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  get #log(): string {
    return join(this.#folder, 'log')
  }

  #giveAway(): readonly string[] {
    const name = spawnSync('id', ['-u', 'postgres']).status === 0 ? 'postgres' : 'nobody'
    const [user, group] = ['-u', '-g'].map((kind) => Number(execFileSync('id', [kind, name], { encoding: 'utf8' })))
    chownSync(this.#folder, user ?? 0, group ?? 0)
    return [`--reuid=${user}`, `--regid=${group}`, '--clear-groups']
  }

  /** It gets the signal when this process ends, also when that is killed. */
  #command(program: string, given: readonly string[]): string[] {
    return ['setpriv', '--pdeathsig=QUIT', ...this.#asUser, join(programs ?? '', program), ...given]
  }

  #spawn(): ChildProcess {
    const settings = {
      listen_addresses: '',
      unix_socket_directories: this.#folder,
      max_connections: '60',
      // What is lost with the machine is not missed.
      fsync: 'off',
      full_page_writes: 'off',
      synchronous_commit: 'off',
    }
    const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [command = '', ...all] = this.#command('postgres', ['-D', this.#data, ...given])
    const log = openSync(this.#log, 'a')
    const child = spawn(command, all, { cwd: this.#folder, stdio: ['ignore', log, log] })
    child.unref()
    return child
  }
}

let server: Server | undefined
after(() => server?.end())

/** The server of this process, started by the first who asks. */
export async function postgresServer(): Promise<Server> {
  server ??= new Server()
  await server.answer()
  return server
}

/** The address of a new, empty database. */
export async function newDatabase(): Promise<string> {
  const here = await postgresServer()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const client = new pg.Client(here.address('postgres'))
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  return here.address(name)
}
