/**
 * Runs the `console` blocks of a page as a reader would, in order and in one folder, and compares what comes out with
 * what the page shows. On the page, `…` stands for anything, and a number for any number; a `GET` is asked again until it
 * shows what the page shows. A command that starts a server goes on in the background, on a free port: the addresses of
 * the page stand for those that the servers really have. So does one that starts a node.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { binary, type Server, startServer } from './cli/running.ts'

export interface Step {
  readonly command: string
  readonly shown: string
}

export interface Shell {
  readonly folder: string
  /** For servers and commands. */
  readonly env: Readonly<Record<string, string>>
  /** What is run in place of a command that the page shows. */
  readonly instead?: (command: string) => string
}

const PATIENCE_MS = 60_000

/** Commands start with `$ ` and go on over lines that end in a backslash; what follows is what they print. */
export function stepsOf(page: string): Step[] {
  return [...page.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [, command = '', shown = ''] = /^((?:[^\n]*\\\n)*[^\n]*)\n(.*)$/s.exec(text) ?? []
        return { command, shown: shown.trim() }
      }),
  )
}

export interface Taken {
  /** Those that were started, by the address that the page gives them. */
  readonly servers: ReadonlyMap<string, Server>
  /** What each command really printed, in order. */
  readonly printed: readonly string[]
}

/** Takes all steps, and fails at the first one that prints something else than the page shows. */
export async function takeSteps(t: TestContext, steps: readonly Step[], shell: Shell): Promise<Taken> {
  const servers = new Map<string, Server>()
  const env: Record<string, string> = { ...shell.env }
  symlinkSync(binary, join(shell.folder, 'backtrail'))
  const real = (text: string) =>
    [...servers].reduce((result, [address, { url }]) => result.replaceAll(address, url), text)

  const wordsOf = (parameters: string) => real(parameters.replaceAll('\\\n', ' ')).trim().split(/\s+/)
  const serve = async (parameters: string, shown: string): Promise<string> => {
    const words = wordsOf(parameters)
    const server = await startServer(t, withoutPort(words), { env, cwd: shell.folder })
    const [address] = /https?:\/\/\S+/.exec(shown) ?? assert.fail(`the page shows no address of ${parameters}`)
    servers.set(address, server)
    assertShown(real(shown), server.stdout(), parameters)
    return server.stdout()
  }

  const work = async (parameters: string, shown: string): Promise<string> => {
    const printed = await startNode(t, wordsOf(parameters), { folder: shell.folder, env })
    assertShown(shown, printed, parameters)
    return printed
  }

  const printed: string[] = []
  for (const { command, shown } of steps) {
    const [, ofNode] = /^npx backtrail node\b(.*)$/s.exec(command) ?? []
    const [, parameters] = /^(?:npm start|npx backtrail serve\b)(.*)$/s.exec(command) ?? []
    if (parameters !== undefined) printed.push(await serve(parameters, shown))
    else if (ofNode !== undefined) printed.push(await work(ofNode, shown))
    else if (command.startsWith('export ')) {
      // A secret that the page does not show is in the environment already.
      for (const [, name = '', value = ''] of command.matchAll(/(\w+)=(\S+)/g))
        if (value !== '…') env[name] = real(value)
      printed.push('')
    } else {
      const step = { command: real(shell.instead?.(command) ?? command), shown: real(shown) }
      printed.push(await take(t, step, { folder: shell.folder, env }))
    }
  }
  return { servers, printed }
}

/** Gives what it prints when it is ready. It is killed when the test ends. */
async function startNode(t: TestContext, words: readonly string[], { folder, env }: Shell): Promise<string> {
  const child = spawn(binary, ['node', ...words], {
    ...{ cwd: folder, env: { ...process.env, ...env } },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(child, 'close')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let printed = ''
  for await (const piece of child.stdout.setEncoding('utf8')) {
    printed += piece
    if (printed.endsWith('\n')) return printed
  }
  return assert.fail(`the node ended before it was ready: ${words.join(' ')}`)
}

async function take(t: TestContext, { command, shown }: Step, { folder, env }: Shell): Promise<string> {
  const run = promisify(execFile)
  const ofShell = command
    .replaceAll(/\bnpx backtrail /g, './backtrail ')
    .replaceAll(/^curl /gm, 'curl --silent --show-error ')
  const from = performance.now()
  for (;;) {
    const { stdout, stderr } = await run('bash', ['-c', ofShell], { cwd: folder, env: { ...process.env, ...env } })
    const isOver = !command.startsWith('curl -X GET') || performance.now() - from > PATIENCE_MS
    if (!isOver && !patternOf(shown).test(alike(stdout + stderr))) {
      await pause(100)
      continue
    }
    t.diagnostic(`${command.split('\n')[0]}\n${stdout}${stderr}`)
    assertShown(shown, stdout + stderr, command)
    return stdout
  }
}

function withoutPort(parameters: readonly string[]): string[] {
  const at = parameters.indexOf('--port')
  return parameters.filter((parameter, i) => parameter !== '' && (at < 0 || (i !== at && i !== at + 1)))
}

function patternOf(shown: string): RegExp {
  const escaped = alike(shown)
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\d+(?:\\\.\d+|,\d+)*/g, '[\\d.,]+')
  return new RegExp(`^${escaped.replaceAll('…', '[^]*?')}$`)
}

/** Units that a faster machine tells otherwise may differ like numbers. */
function alike(text: string): string {
  return text
    .trim()
    .replace(/\b(?:bytes|KB|MB|GB)\b/g, 'MB')
    .replace(/\b\d+ (?:h \d+ min|min \d+ s)\b/g, '1 s')
}

function assertShown(shown: string, printed: string, command: string): void {
  assert.match(alike(printed), patternOf(shown), `${command} prints something else than the page shows`)
}
