/**
 * Ceph's object gateway of this process alone, as Debian has it: one monitor, one OSD that keeps all in memory, and radosgw,
 * in a temporary folder and on free ports of this machine. It takes some 13 s and 450 MB, so there is one for all tests of
 * a file. It ends with this process, however that ends, and never runs as root.
 *
 * Authentication among its parts is off, and so is their encryption: radosgw would ask for it and loop. There is no
 * manager, which nothing here needs. Clients of the gateway are authenticated as ever.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { BucketSettings } from './bucket.ts'

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool', 'ceph']
const folders = (process.env.PATH ?? '').split(delimiter)
const missing = PROGRAMS.filter((program) => !folders.some((folder) => existsSync(join(folder, program))))

/**
 * False where a gateway can be had, else why tests that need one are skipped. Under BACKTRAIL_NO_SKIPS=1 they are not, and
 * fail.
 */
export const noGateway: string | false =
  missing.length === 0 || process.env.BACKTRAIL_NO_SKIPS === '1'
    ? false
    : `NOT TESTED ON S3: there is no ${missing.join(', ')} (apt-get install radosgw ceph-mon ceph-osd)`

/** Nothing that is measured: a machine under load takes its time. */
const START_MS = 180_000
const BUCKET = 'backtrail'
const MEMORY_BYTES = 6 * 1024 ** 3

class Gateway {
  readonly folder = mkdtempSync(join(tmpdir(), 'backtrail-rgw-'))
  readonly keys = { accessKeyId: 'test', secretAccessKey: randomUUID() }
  readonly #asUser: readonly string[]
  readonly #port: number
  readonly #parts: ChildProcess[] = []

  private constructor(monitor: number, port: number) {
    if (missing.length > 0) throw new Error(`There is no gateway here: ${missing.join(', ')} were not found.`)
    this.#port = port
    this.#writeConfiguration(monitor)
    this.#asUser = process.getuid?.() === 0 ? this.#giveAway() : []
  }

  static async start(): Promise<Gateway> {
    const [monitor = 0, port = 0] = await freePorts(2)
    const gateway = new Gateway(monitor, port)
    try {
      await gateway.#start(monitor)
      return gateway
    } catch (error) {
      const logs = ['mon.a', 'osd.0', 'client.rgw.a'].map((name) => tailOf(join(gateway.folder, `${name}.log`)))
      await gateway.end()
      throw new Error(`Ceph does not start: ${logs.join('\n')}`, { cause: error })
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** A file with the keys, as `--store-credentials` takes it. */
  get credentials(): string {
    return join(this.folder, 'credentials')
  }

  /** Ends radosgw and starts it anew; what is stored stays. */
  async restart(): Promise<void> {
    const radosgw = this.#parts.pop() as ChildProcess
    await ended(radosgw, 'SIGKILL')
    this.#startGateway()
    await this.#answer()
  }

  async end(): Promise<void> {
    for (const part of this.#parts.splice(0).reverse()) await ended(part, 'SIGKILL')
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #start(monitor: number): Promise<void> {
    const osd = randomUUID()
    const map = join(this.folder, 'monmap')
    const address = `[v2:127.0.0.1:${monitor}/0]`
    this.#run('monmaptool', ['--create', '--clobber', '--fsid', this.#fsid, '--addv', 'a', address, map])
    this.#run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map])
    this.#spawn('ceph-mon', ['-i', 'a', '-f'])
    await until(async () => {
      const { state } = await this.#askSocket('mon.a', 'mon_status')
      if (state !== 'leader') throw new Error(`The monitor is ${state}.`)
    })
    await until(() => this.#run('ceph', ['--connect-timeout', '5', 'osd', 'new', osd]))
    this.#run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', osd])
    this.#spawn('ceph-osd', ['-i', '0', '-f'])
    await until(async () => {
      const { state } = await this.#askSocket('osd.0', 'status')
      if (state !== 'active') throw new Error(`The OSD is ${state}.`)
    })
    const { accessKeyId, secretAccessKey } = this.keys
    const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey]
    this.#run('radosgw-admin', ['user', 'create', '--uid', 'test', '--display-name', 'test', ...keys])
    writeFileSync(
      this.credentials,
      `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
      { mode: 0o600 },
    )
    this.#startGateway()
    await this.#answer()
    const { endpoint, keys: credentials } = this
    const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
    client.destroy()
  }

  /** What a part says of itself. Asked without `ceph`, a program of which each start takes most of a second. */
  async #askSocket(part: string, prefix: string): Promise<{ readonly state: string }> {
    const socket = connect(join(this.folder, `${part}.asok`))
    socket.end(`${JSON.stringify({ prefix })}\0`)
    // The answer's length comes first, in four bytes.
    return JSON.parse((await buffer(socket)).toString('utf8', 4))
  }

  #startGateway(): void {
    this.#spawn('radosgw', ['-n', 'client.rgw.a', '-f'])
  }

  async #answer(): Promise<void> {
    await until(async () => {
      await fetch(this.endpoint)
    })
  }

  readonly #fsid = randomUUID()

  #writeConfiguration(monitor: number): void {
    const { folder } = this
    for (const name of ['mon', 'osd', 'rgw']) mkdirSync(join(folder, name))
    const all = {
      fsid: this.#fsid,
      mon_host: `[v2:127.0.0.1:${monitor}/0]`,
      mon_initial_members: 'a',
      auth_cluster_required: 'none',
      auth_service_required: 'none',
      auth_client_required: 'none',
      ms_cluster_mode: 'crc',
      ms_service_mode: 'crc',
      ms_client_mode: 'crc',
      ms_mon_cluster_mode: 'crc',
      ms_mon_service_mode: 'crc',
      ms_mon_client_mode: 'crc',
      mon_data: join(folder, 'mon'),
      mon_allow_pool_size_one: 'true',
      mon_warn_on_pool_no_redundancy: 'false',
      mon_data_avail_crit: '1',
      mon_cluster_log_file: join(folder, 'cluster.log'),
      osd_data: join(folder, 'osd'),
      osd_objectstore: 'memstore',
      memstore_device_bytes: String(MEMORY_BYTES),
      osd_pool_default_size: '1',
      osd_pool_default_min_size: '1',
      osd_pool_default_pg_num: '8',
      osd_pool_default_pgp_num: '8',
      osd_pool_default_pg_autoscale_mode: 'off',
      osd_crush_chooseleaf_type: '0',
      osd_crush_update_on_start: 'true',
      rgw_data: join(folder, 'rgw'),
      rgw_frontends: `beast endpoint=127.0.0.1:${this.#port}`,
      run_dir: folder,
      admin_socket: join(folder, '$name.asok'),
      log_file: join(folder, '$name.log'),
      pid_file: '',
    }
    // Of the OSD alone: a monitor with an address of this kind listens elsewhere than its map says.
    const osd = { public_addr: '127.0.0.1', cluster_addr: '127.0.0.1' }
    const text = Object.entries({ global: all, osd }).map(
      ([section, values]) =>
        `[${section}]\n${Object.entries(values)
          .map(([name, value]) => `${name} = ${value}\n`)
          .join('')}`,
    )
    writeFileSync(this.#configuration, text.join(''))
  }

  get #configuration(): string {
    return join(this.folder, 'ceph.conf')
  }

  #giveAway(): readonly string[] {
    const [user, group] = ['-u', '-g'].map((kind) => Number(execFileSync('id', [kind, 'nobody'], { encoding: 'utf8' })))
    for (const path of [this.folder, ...['mon', 'osd', 'rgw'].map((name) => join(this.folder, name))])
      chownSync(path, user ?? 0, group ?? 0)
    return [`--reuid=${user}`, `--regid=${group}`, '--clear-groups']
  }

  /** It gets the signal when this process ends, also when that is killed. */
  #command(program: string, given: readonly string[]): string[] {
    const configured = program === 'monmaptool' ? given : ['-c', this.#configuration, ...given]
    return ['setpriv', '--pdeathsig=KILL', ...this.#asUser, program, ...configured]
  }

  #run(program: string, given: readonly string[]): string {
    const [command = '', ...all] = this.#command(program, given)
    return execFileSync(command, all, { cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  #spawn(program: string, given: readonly string[]): void {
    const [command = '', ...all] = this.#command(program, given)
    const log = openSync(join(this.folder, `${program}.out`), 'a')
    const child = spawn(command, all, { cwd: this.folder, stdio: ['ignore', log, log] })
    child.unref()
    this.#parts.push(child)
  }
}

/** Tries until it does not throw. */
async function until(work: () => unknown): Promise<void> {
  for (const started = performance.now(); ; await delay(100)) {
    try {
      await work()
      return
    } catch (error) {
      if (performance.now() - started > START_MS) throw error
    }
  }
}

async function ended(child: ChildProcess, signal: 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

/** All of them at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  const ports: number[] = []
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening')
    ports.push((server.address() as { port: number }).port)
  }
  for (const server of servers) {
    server.close()
    await once(server, 'close')
  }
  return ports
}

function tailOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-20).join('\n') : ''
}

let gateway: Promise<Gateway> | undefined
after(async () => (await gateway?.catch(() => undefined))?.end())

/** The gateway of this process, started by the first who asks. */
export function objectGateway(): Promise<Pick<Gateway, 'endpoint' | 'credentials' | 'restart'>> {
  gateway ??= Gateway.start()
  return gateway
}

/** What a client needs to know to work at a prefix that nobody has used. */
export async function newPrefix(): Promise<BucketSettings> {
  const { endpoint, credentials } = await objectGateway()
  return {
    store: `s3://${BUCKET}/${randomUUID()}`,
    endpoint,
    region: 'us-east-1',
    pathStyle: true,
    credentials,
    ca: '',
  }
}
