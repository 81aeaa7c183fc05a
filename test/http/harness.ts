/**
 * A real server over a real appliance in a temporary data folder, and a client that sends exactly what a test says.
 * Every JSON answer is held against the server's own OpenAPI document: its status must be documented for the endpoint,
 * and its body must fit the schema given there.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Logger, pino } from 'pino'
import Schema from 'typebox/schema'
import { type Appliance, openAppliance } from '../../src/appliance/index.ts'
import {
  type ApplianceServices,
  buildHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../src/http/index.ts'
import { readSettings, type Settings } from '../../src/settings/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers as JavaScript does
export type Json = any

export type User = 'admin' | 'ana' | 'ben'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  /** The body as JSON; fails the test when it is none. */
  readonly json: Json
}

export interface Call {
  /** Whose token to send; null for none. The administrator's by default. */
  readonly as?: User | null
  readonly headers?: Readonly<Record<string, string>>
  /** At most one kind of body. */
  readonly form?: Readonly<Record<string, string | readonly string[]>>
  readonly json?: unknown
  readonly multipart?: FormData
  readonly body?: string | Buffer
  /** False where a test asks for something that no document can describe, such as an unknown path. */
  readonly isDocumented?: boolean
}

interface Operation {
  readonly path: string
  readonly pattern: RegExp
  readonly method: string
  readonly details: Json
}

export class TestServer {
  readonly appliance: Appliance
  readonly app: HttpServer
  readonly url: string
  readonly tokens: Readonly<Record<User, string>>
  /** Everything that was logged, as text. */
  readonly logged: () => string
  readonly operations: readonly Operation[]
  readonly #folder: string
  readonly #settings: Partial<Settings>

  private constructor(
    parts: Pick<TestServer, 'appliance' | 'app' | 'url' | 'tokens' | 'logged'> & {
      folder: string
      settings: Partial<Settings>
    },
  ) {
    this.appliance = parts.appliance
    this.app = parts.app
    this.url = parts.url
    this.tokens = parts.tokens
    this.logged = parts.logged
    this.#folder = parts.folder
    this.#settings = parts.settings
    this.operations = operationsOf(parts.app.swagger())
  }

  /** `services` may put something in the place of a service, to see what the server makes of its failures. */
  static async start(
    settings: Partial<Settings> = {},
    services: (appliance: Appliance) => Partial<ApplianceServices> = () => ({}),
    times?: HttpServerOptions['times'],
  ): Promise<TestServer> {
    return TestServer.#open(mkdtempSync(join(tmpdir(), 'backtrail-http-')), settings, services, times)
  }

  /** Closes this server, and opens another one over the same data folder, with the same tokens. */
  async restart(meanwhile: (dataFolder: string) => void = () => {}): Promise<TestServer> {
    await this.app.close()
    await this.appliance.close()
    meanwhile(this.#folder)
    return TestServer.#open(this.#folder, this.#settings, () => ({}), undefined, this.tokens)
  }

  static async #open(
    folder: string,
    settings: Partial<Settings>,
    services: (appliance: Appliance) => Partial<ApplianceServices>,
    times: HttpServerOptions['times'] | undefined,
    known?: Readonly<Record<User, string>>,
  ): Promise<TestServer> {
    const lines: string[] = []
    const log: Logger = pino(
      { level: 'debug' },
      new Writable({
        write(chunk, _encoding, done) {
          lines.push(String(chunk))
          done()
        },
      }),
    )
    const inForce = { ...readSettings({ data: folder, workers: '1', rateLimit: '0' }, {}), ...settings }
    // Many tests need none.
    const appliance = await openAppliance(inForce, { log, workersOnDemand: true })
    const tokens = known ?? (await addUsers(appliance))
    const app = buildHttpServer({ ...appliance, ...services(appliance) }, inForce, log, times ? { times } : {})
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const url = `${inForce.tlsKey ? 'https' : 'http'}://127.0.0.1:${port}`
    return new TestServer({ appliance, app, url, tokens, logged: () => lines.join(''), folder, settings })
  }

  /** For tests that need more rows than the services would make in a test's time. */
  get databaseFile(): string {
    return join(this.#folder, 'backtrail.db')
  }

  async stop(): Promise<void> {
    await this.app.close()
    await this.appliance.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get(path: string, call: Call = {}): Promise<Answer> {
    return this.call('GET', path, call)
  }
  post(path: string, call: Call = {}): Promise<Answer> {
    return this.call('POST', path, call)
  }
  delete(path: string, call: Call = {}): Promise<Answer> {
    return this.call('DELETE', path, call)
  }

  async call(method: string, path: string, call: Call = {}): Promise<Answer> {
    const answer = await this.#send(method, path, call)
    if (call.isDocumented !== false) this.#checkAgainstDocument(method, path, answer)
    return answer
  }

  /** Saves a ruleset and fails the test unless it was accepted. */
  async saveRuleset(name: string, content: string, as: User = 'admin'): Promise<void> {
    const { status, text } = await this.post('/api/yara/ruleset/', { as, form: { name, content } })
    assert.equal(status, 200, text)
  }

  /** Uploads a content and waits until it is processed; gives its SHA-1. */
  async upload(content: string | Buffer, name: string, as: User = 'admin'): Promise<string> {
    const multipart = new FormData()
    multipart.append('file', new Blob([content as string]), name)
    const { status, json, text } = await this.post('/api/submit/file/', { as, multipart })
    assert.equal(status, 201, text)
    await this.appliance.intake.idle()
    return json.detail.sha1
  }

  async #send(method: string, path: string, call: Call): Promise<Answer> {
    const { as = 'admin', headers } = call
    const { content, type } = await encode(call)
    const sent = {
      ...(as ? { authorization: `Token ${this.tokens[as]}` } : {}),
      ...(type ? { 'content-type': type } : {}),
      ...(content === undefined ? {} : { 'content-length': String(content.length) }),
      ...headers,
    }
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(this.url + path, { method, headers: sent, agent: false }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => resolve(answerOf(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks))))
      })
      outgoing.on('error', reject)
      outgoing.end(content)
    })
  }

  #checkAgainstDocument(method: string, path: string, answer: Answer): void {
    const plain = (path.split('?')[0] ?? '').replace(/\/{2,}/g, '/').replace(/\/?$/, '/')
    const fitting = this.operations.filter((each) => each.method === method && each.pattern.test(plain))
    const operation = fitting.find((each) => !each.path.includes('{')) ?? fitting[0]
    assert.ok(operation, `${method} ${path} is not in the OpenAPI document`)
    const response = operation.details.responses?.[answer.status]
    assert.ok(response, `${method} ${operation.path} does not document ${answer.status}: ${answer.text.slice(0, 300)}`)
    const schema = response.content?.['application/json']?.schema
    if (!schema || !String(answer.headers['content-type']).startsWith('application/json')) return
    const { json } = answer
    if (fits(schema, json)) return
    const [, problems] = Schema.Errors(schema, json)
    assert.fail(`${method} ${path} answered what its schema forbids: ${JSON.stringify(problems)} ${answer.text}`)
  }
}

const uses = new WeakMap<object, number>()
const compiled = new WeakMap<object, { Check(value: unknown): boolean }>()

/** A schema is compiled for its third value: most are asked for once or twice. */
function fits(schema: Json, value: unknown): boolean {
  const count = (uses.get(schema) ?? 0) + 1
  uses.set(schema, count)
  if (count < 3) return Schema.Check(schema, value)
  let validator = compiled.get(schema)
  if (validator === undefined) {
    validator = Schema.Compile(schema)
    compiled.set(schema, validator)
  }
  return validator.Check(value)
}

export const passwords = { ana: 'ana and her long password', ben: 'ben and his long password' } as const

async function addUsers({ accounts }: Appliance): Promise<Record<User, string>> {
  const admin = randomBytes(20).toString('hex')
  await accounts.ensureFirstAdministrator({ token: admin })
  const tokens: Record<User, string> = { admin, ana: '', ben: '' }
  for (const name of ['ana', 'ben'] as const) {
    await accounts.users.add({ name, password: passwords[name], role: 'user' })
    tokens[name] = (await accounts.tokens.create(name, 'test')).token
  }
  return tokens
}

function operationsOf(document: Json): Operation[] {
  return Object.entries<Record<string, Json>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, details]) => ({
      path,
      pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+').replace(/\/?$/, '/')}$`),
      method: method.toUpperCase(),
      details,
    })),
  )
}

async function encode(call: Call): Promise<{ content: Buffer | undefined; type: string | null }> {
  if (call.form) {
    const pairs = Object.entries(call.form).flatMap(([name, value]) => [value].flat().map((each) => [name, each]))
    return {
      content: Buffer.from(new URLSearchParams(pairs as string[][]).toString()),
      type: 'application/x-www-form-urlencoded',
    }
  }
  if (call.json !== undefined) return { content: Buffer.from(JSON.stringify(call.json)), type: 'application/json' }
  if (call.multipart) {
    const encoded = new Response(call.multipart)
    return { content: Buffer.from(await encoded.arrayBuffer()), type: encoded.headers.get('content-type') ?? '' }
  }
  return { content: call.body === undefined ? undefined : Buffer.from(call.body as string), type: null }
}

function answerOf(status: number, headers: IncomingHttpHeaders, bytes: Buffer): Answer {
  const text = bytes.toString()
  return {
    status,
    headers,
    bytes,
    text,
    get json() {
      assert.match(String(headers['content-type']), /^application\/json/, `not JSON: ${text.slice(0, 300)}`)
      return JSON.parse(text)
    },
  }
}

export const sha1 = (content: string | Buffer): string => createHash('sha1').update(content).digest('hex')
export const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')

/** The specification's folder, beside the repository; null when it is not on this machine. */
export function specificationFolder(): string | null {
  const folder = fileURLToPath(new URL('../../../shared/spec/', import.meta.url))
  return existsSync(folder) ? folder : null
}

/** A reason to skip a test whose real part is missing; null where skipping is not allowed, so that the test fails. */
export function skipWithout(present: unknown, reason: string): string | false {
  return present || process.env.BACKTRAIL_NO_SKIPS === '1' ? false : reason
}
