/**
 * Runs git for one fetch, in a bare repository of its own that is thrown away: nothing is checked out, so neither links
 * nor hooks nor filters of a repository ever act. Settings of the machine and of users do not count.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../errors/index.ts'
import type { FetchOrder } from './order.ts'

/** Address space of one git process, beside what it maps of a pack. */
const MEMORY_BYTES = 2 * 1024 ** 3
const STDERR_KEPT = 16 * 1024

export class Git {
  readonly #folder: string
  readonly #memoryBytes: number
  readonly #order: FetchOrder

  constructor(order: FetchOrder) {
    this.#order = order
    this.#folder = join(order.folder, 'git')
    this.#memoryBytes = MEMORY_BYTES + 2 * order.limits.bytes
  }

  /** Makes the repository, with the settings for this source. `source.git-missing`. */
  async prepare(proxy: string): Promise<void> {
    await this.run(['init', '--quiet', '--bare', '--template=', this.#folder])
    const { token, rules } = this.#order
    const settings: [string, string][] = [
      ['proxy', proxy],
      ['proxyAuthMethod', 'basic'],
      // A token is for one server, and git would send it to the next one as well.
      ['followRedirects', token === '' ? 'initial' : 'false'],
      ['lowSpeedLimit', '500'],
      ['lowSpeedTime', '60'],
      ['userAgent', 'git/backtrail'],
    ]
    if (rules.ca !== '') settings.push(['sslCAInfo', rules.ca])
    if (token !== '') settings.push(['extraHeader', `Authorization: ${basicAuthorization(token)}`])
    const config = join(this.#folder, 'config')
    const lines = settings.map(([name, value]) => `\t${name} = "${value.replace(/[\\"]/g, '\\$&')}"\n`)
    // The token stands in a file, since others see the arguments of a process.
    writeFileSync(
      config,
      `[core]\n\trepositoryformatversion = 0\n\tbare = true\n[http]\n${lines.join('')}` +
        '[pack]\n\tthreads = 1\n[fetch]\n\tunpackLimit = 1\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n',
    )
    chmodSync(config, 0o600)
  }

  /** What it prints, up to so many bytes. `source.failed`, `source.credentials`, `source.unreachable`. */
  async run(parameters: readonly string[], mostBytes = 1024 * 1024): Promise<Buffer> {
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of this.lines(parameters)) {
      bytes += piece.length
      if (bytes > mostBytes)
        throw new Failure('source.too-large', `git ${parameters[0]} prints more than ${mostBytes} bytes.`)
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  }

  /** What it prints, as it comes. Leaving off ends it. */
  async *lines(parameters: readonly string[]): AsyncGenerator<Buffer> {
    const child = this.start(parameters)
    child.stdin.end()
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-STDERR_KEPT)
    })
    const ended = new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(127))
      child.once('close', resolve)
    })
    try {
      yield* child.stdout as AsyncIterable<Buffer>
    } finally {
      if (child.exitCode === null && !child.stdout.readableEnded) child.kill('SIGKILL')
    }
    const code = await ended
    if (code === 127) {
      throw new Failure('source.git-missing')
    }
    if (code !== 0) throw refusal(errors, this.#order)
  }

  /** With pipes to all three streams. */
  start(parameters: readonly string[]): ChildProcessWithoutNullStreams {
    const inside = parameters[0] === 'init' ? [] : ['--git-dir', this.#folder]
    // The shell sets the bound on memory and is then replaced; the parameters never pass through its parser.
    const script = `ulimit -v ${Math.ceil(this.#memoryBytes / 1024)} 2>/dev/null; ulimit -c 0; exec git "$@"`
    return spawn('/bin/sh', ['-c', script, 'sh', ...inside, ...parameters], {
      cwd: this.#order.folder,
      env: {
        PATH: process.env.PATH,
        HOME: this.#order.folder,
        LC_ALL: 'C',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_ATTR_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        GIT_ASKPASS: '/bin/false',
        GIT_ALLOW_PROTOCOL: 'https',
      },
    })
  }
}

/** Servers take a token as the password of any user. */
export function basicAuthorization(token: string): string {
  const both = token.includes(':') ? token : `x-access-token:${token}`
  return `Basic ${Buffer.from(both).toString('base64')}`
}

/** Of what git said: where it is about the server, what to do. */
function refusal(errors: string, { url, token }: FetchOrder): Failure {
  const host = new URL(url).host
  const lines = errors.split('\n').map((line) => line.trim())
  const said = lines.find((line) => /^fatal:/.test(line)) ?? lines.find((line) => /^error:/.test(line)) ?? ''
  const sentence = said.replace(/^(fatal|error): /, '').slice(0, 500)
  if (/could not read (Username|Password)|Authentication failed|returned error: 40[13]/i.test(errors)) {
    return new Failure(
      'source.credentials',
      token === ''
        ? `${host} wants a token for this repository, or has none of that name.`
        : `${host} does not accept the token, or has no such repository for it.`,
    )
  }
  if (/repository .* not found|returned error: 404/i.test(errors)) {
    return new Failure('source.unreachable', `${host} has no such repository.`)
  }
  if (/unable to update url base from redirection|returned error: 30\d/i.test(errors)) {
    return new Failure(
      'source.refused',
      `${host} sends on to another address, and a token is not sent there; give the address that it has now.`,
    )
  }
  return new Failure('source.failed', `The repository cannot be fetched: ${sentence || 'git was stopped'}.`)
}
