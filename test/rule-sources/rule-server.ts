/**
 * A server of rules on loopback, over https with a certificate of its own making: git repositories through
 * `git http-backend`, as hosts serve them, and whatever else a test answers.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export type Answering = (request: IncomingMessage, response: ServerResponse) => void

export type Files = Readonly<Record<string, string | Uint8Array>>

/** Why tests of this folder cannot run here; false when they can. */
export const lacking =
  spawnSync('openssl', ['version']).status !== 0
    ? 'openssl is not installed'
    : spawnSync('git', ['--version']).status !== 0
      ? 'git is not installed'
      : false

export class RuleServer {
  /** The certificate of its authority. */
  readonly ca: string
  readonly folder: string
  /** Requests so far, as `METHOD path`. */
  readonly asked: string[] = []
  readonly #server: Server
  readonly #answers = new Map<string, Answering>()

  private constructor(folder: string, server: Server) {
    this.folder = folder
    this.ca = join(folder, 'ca.pem')
    this.#server = server
  }

  static async start(): Promise<RuleServer> {
    const folder = mkdtempSync(join(tmpdir(), 'backtrail-rules-'))
    makeCertificates(folder)
    const server = createServer({
      key: readFileSync(join(folder, 'server.key')),
      cert: readFileSync(join(folder, 'server.pem')),
    })
    const rules = new RuleServer(folder, server)
    server.on('request', (request: IncomingMessage, response: ServerResponse) => rules.#answer(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return rules
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** An address on this server, by the name that its certificate has. */
  url(path: string): string {
    return `https://localhost:${this.port}/${path}`
  }

  /** Answers of a path, in place of what was there. */
  answer(path: string, answering: Answering): void {
    this.#answers.set(`/${path}`, answering)
  }

  /** Serves a file. */
  serve(path: string, content: Uint8Array): void {
    this.answer(path, (_request, response) => response.end(content))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.folder, { recursive: true, force: true })
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '/' } = request
    this.asked.push(`${method} ${url}`)
    const [path = ''] = url.split('?')
    const answering =
      this.#answers.get(path) ??
      [...this.#answers].find(([one]) => one.endsWith('*') && path.startsWith(one.slice(0, -1)))?.[1]
    if (answering !== undefined) answering(request, response)
    else this.throughGit(request, response)
  }

  /** What is answered where a test says nothing else. */
  throughGit(request: IncomingMessage, response: ServerResponse): void {
    throughGit(join(this.folder, 'repositories'), request, response)
  }
}

/** A repository that is served, with a branch whose commits are exactly the files that a test gives. */
export class Repository {
  readonly path: string
  readonly #folder: string

  constructor(server: RuleServer, name: string) {
    this.path = name
    this.#folder = join(server.folder, 'repositories', name)
    mkdirSync(this.#folder, { recursive: true })
    git(this.#folder, ['init', '--quiet', '--bare', '--initial-branch=main', '.'])
  }

  /** Gives the commit. */
  commit(files: Files, branch = 'main'): string {
    const work = mkdtempSync(join(tmpdir(), 'backtrail-commit-'))
    try {
      writeFiles(work, files)
      this.git(['--work-tree', work, 'add', '--all', '--force'])
      return this.#commitTree(this.git(['write-tree']), branch)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }

  /** A commit of a tree that git would never write: `mode type object\tname` a line, as `git mktree` reads it. */
  commitRaw(lines: string, branch = 'main'): string {
    return this.#commitTree(this.git(['mktree', '--missing'], lines), branch)
  }

  blob(content: string): string {
    return this.git(['hash-object', '-w', '--stdin'], content)
  }

  #commitTree(tree: string, branch: string): string {
    const commit = this.git(['commit-tree', tree, '-m', 'rules'])
    this.git(['update-ref', `refs/heads/${branch}`, commit])
    return commit
  }

  git(parameters: readonly string[], input = ''): string {
    return git(this.#folder, ['--git-dir', this.#folder, ...parameters], input)
  }
}

export function writeFiles(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

function git(cwd: string, parameters: readonly string[], input = ''): string {
  const identity = { name: 'a test', email: 'test@example.org' }
  const { status, stdout, stderr } = spawnSync('git', parameters, {
    cwd,
    input,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: identity.name,
      GIT_AUTHOR_EMAIL: identity.email,
      GIT_COMMITTER_NAME: identity.name,
      GIT_COMMITTER_EMAIL: identity.email,
    },
  })
  assert.equal(status, 0, `git ${parameters.join(' ')}: ${stderr}`)
  return stdout.trim()
}

/** The protocol of CGI, as far as git http-backend speaks it. */
function throughGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'https://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  let head = Buffer.alloc(0)
  let isBody = false
  child.stdout.on('data', (piece: Buffer) => {
    if (isBody) return void response.write(piece)
    head = Buffer.concat([head, piece])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    isBody = true
    let status = 200
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/: */, 2)
      if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.writeHead(status)
    response.write(head.subarray(end + 4))
  })
  child.stdout.on('end', () => response.end())
  response.on('close', () => child.kill())
}

function makeCertificates(folder: string): void {
  const openssl = (...parameters: string[]) => {
    const made = spawnSync('openssl', parameters, { cwd: folder, encoding: 'utf8' })
    assert.equal(made.status, 0, made.stderr)
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=authority of a test',
  )
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost')
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'server.pem',
    '-days',
    '2',
    '-extfile',
    'names',
  )
}
