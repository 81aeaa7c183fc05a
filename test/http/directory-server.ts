/**
 * An OpenLDAP of a test alone: `slapd` over a temporary folder, on two free ports of this machine, with a certificate of
 * its own. It ends with the test.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../free-port.ts'

const SLAPD = '/usr/sbin/slapd'
const SCHEMAS = '/etc/ldap/schema'
const isHere = existsSync(SLAPD) && existsSync(join(SCHEMAS, 'inetorgperson.schema'))

/** False where a directory can be had, else why tests are skipped. Under BACKTRAIL_NO_SKIPS=1 they are not, and fail. */
export const noDirectory: string | false =
  isHere || process.env.BACKTRAIL_NO_SKIPS === '1'
    ? false
    : 'NOT TESTED AGAINST A DIRECTORY: there is no slapd here (apt-get install slapd)'

export const SUFFIX = 'dc=example,dc=org'
export const READER = { dn: `cn=reader,${SUFFIX}`, password: 'the password of the reader' }

/** Nothing that is measured: a machine under load takes its time. */
const START_MS = 60_000

export class DirectoryServer {
  readonly plain: string
  readonly secure: string
  /** Certificate of the authority. */
  readonly ca: string
  readonly #folder: string
  #process: ChildProcess | null = null

  private constructor(folder: string, ports: readonly [number, number]) {
    this.#folder = folder
    this.plain = `ldap://localhost:${ports[0]}`
    this.secure = `ldaps://localhost:${ports[1]}`
    this.ca = join(folder, 'certificate.pem')
  }

  static async start(entries: string): Promise<DirectoryServer> {
    assert.ok(isHere, 'there is no slapd here (apt-get install slapd)')
    const folder = mkdtempSync(join(tmpdir(), 'backtrail-ldap-'))
    const server = new DirectoryServer(folder, [await freePort('localhost'), await freePort('localhost')])
    server.#configure(entries)
    await server.resume()
    return server
  }

  /** A file in its folder, for settings that take one. */
  file(name: string, text: string): string {
    const path = join(this.#folder, name)
    writeFileSync(path, text)
    return path
  }

  async resume(): Promise<void> {
    this.#process = spawn(
      SLAPD,
      ['-f', join(this.#folder, 'slapd.conf'), '-h', `${this.plain} ${this.secure}`, '-d', '0'],
      {
        stdio: 'ignore',
      },
    )
    const until = Date.now() + START_MS
    while (!(await answers(Number(new URL(this.plain).port)))) {
      assert.ok(this.#process.exitCode === null && Date.now() < until, 'slapd does not start')
      await delay(50)
    }
  }

  /** It is away from now on. */
  async pause(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async stop(): Promise<void> {
    await this.pause()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #configure(entries: string): void {
    const at = (name: string) => join(this.#folder, name)
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('key.pem')]
    execFileSync('openssl', ['req', '-x509', ...key, '-days', '2', ...subject, '-out', this.ca], { stdio: 'ignore' })
    mkdirSync(at('database'))
    this.file(
      'slapd.conf',
      `${['core', 'cosine', 'inetorgperson'].map((name) => `include ${SCHEMAS}/${name}.schema`).join('\n')}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile ${at('pid')}
TLSCertificateFile ${this.ca}
TLSCertificateKeyFile ${at('key.pem')}
database mdb
suffix "${SUFFIX}"
rootdn "cn=root,${SUFFIX}"
directory ${at('database')}
overlay memberof
memberof-group-oc groupOfNames
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${READER.dn}" read by self read by * none
`,
    )
    const ldif = this.file('entries.ldif', entries)
    execFileSync('/usr/sbin/slapadd', ['-f', at('slapd.conf'), '-l', ldif], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, 'localhost')
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  socket.destroy()
  return isOpen
}
