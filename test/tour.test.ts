/**
 * Takes the README's tour as a newcomer does: runs every command of its `console` blocks, in order, against a server
 * that the first of them starts, and compares what comes out with what the page shows. On the page, `…` stands for
 * anything, and a number for any number; a `GET` is asked again until it shows what the page shows.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { binary, folderWith, root, startServer } from './cli/running.ts'

interface Step {
  readonly command: string
  readonly shown: string
}

const readme = readFileSync(join(root, 'README.md'), 'utf8')
const steps = [...readme.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) => stepsOf(block))

test('the README shows a tour that starts a server', () => {
  assert.ok(steps.length >= 8, `only ${steps.length} commands`)
  assert.equal(steps[0]?.command, 'npm start')
  assert.match(steps[1]?.command ?? '', /^export BACKTRAIL_URL=/)
})

test("the README's tour does what it shows", { timeout: 300_000 }, async (t) => {
  const [start, , ...rest] = steps
  const folder = folderWith(t)
  const env = { BACKTRAIL_ADMIN_TOKEN: 'token-of-the-tour', BACKTRAIL_WORKERS: '2' }
  const server = await startServer(t, ['--data', join(folder, 'data')], { env })
  assertShown(start?.shown ?? '', server.stdout())

  symlinkSync(binary, join(folder, 'backtrail'))
  const run = promisify(execFile)
  for (const { command, shown } of rest) {
    const ofTour = command.replace(/^npx backtrail /, './backtrail ').replace(/^curl /, 'curl --silent --show-error ')
    for (let tries = 1; ; tries += 1) {
      const { stdout, stderr } = await run('bash', ['-c', ofTour], {
        cwd: folder,
        env: { ...process.env, BACKTRAIL_URL: server.url, BACKTRAIL_TOKEN: env.BACKTRAIL_ADMIN_TOKEN },
      })
      if (tries < 100 && command.startsWith('curl -X GET') && !patternOf(shown).test(stdout)) await pause(200)
      else {
        t.diagnostic(`${command.split('\n')[0]}\n${stdout}${stderr}`)
        assertShown(shown, stdout + stderr, command)
        break
      }
    }
  }
  assert.equal(await server.stop(), 0)
})

/** Commands start with `$ ` and go on over lines that end in a backslash; what follows is what they print. */
function stepsOf(block: string): Step[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [, command = '', shown = ''] = /^((?:[^\n]*\\\n)*[^\n]*)\n(.*)$/s.exec(text) ?? []
      return { command, shown: shown.trim() }
    })
}

function patternOf(shown: string): RegExp {
  const escaped = shown.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\d+(?:\\\.\d+|,\d+)*/g, '[\\d.,]+')
  return new RegExp(`^${escaped.replaceAll('…', '[^]*?')}$`)
}

function assertShown(shown: string, printed: string, command = 'npm start'): void {
  // Addresses, and units that a faster machine tells otherwise, may differ like numbers.
  const alike = (text: string) => text.trim().replace(/\b(?:bytes|KB|MB|GB)\b/g, 'MB')
  assert.match(alike(printed), patternOf(alike(shown)), `${command} prints something else than the README shows`)
}
