/**
 * Every example of the specification's two pages, as printed: each cURL command by the real curl, each Python sample by
 * the real Python with its requests library. Only the host and the token are changed. The commands lost line ends in
 * print: a line that begins with `--` goes on with the command above it, whether or not that ended in a backslash.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { skipWithout, specificationFolder, TestServer } from './harness.ts'

const spec = specificationFolder()
const noSpec = skipWithout(spec, 'the specification is not beside this repository')
const hasRequests = spawnSync('python3', ['-c', 'import requests']).status === 0
const noPython = noSpec || skipWithout(hasRequests, 'python3 with requests is not installed')

/** What each endpoint answers on an appliance without a cloud whose user owns twelve rulesets. */
const expected: Readonly<Record<string, number>> = {
  'GET /api/yara/v2/rulesets/': 200,
  'GET /api/yara/v2/rulesets/?page_size=10&page=2': 200,
  'GET /api/yara/ruleset/content/?name=example_ruleset': 200,
  'GET /api/yara/v2/ruleset/matches/?name=example_ruleset': 200,
  'POST /api/yara/ruleset/': 200,
  'DELETE /api/yara/ruleset/': 200,
  'POST /api/yara/ruleset/disable/': 200,
  'GET /api/yara/ticloud/time/': 405,
  'POST /api/yara/ticloud/time/': 405,
  'POST /api/uploads/local-retro-hunt/': 200,
  'GET /api/uploads/local-retro-hunt/': 200,
  'POST /api/yara/ruleset/example_ruleset/cloud-retro-hunt/': 428,
  'GET /api/yara/ruleset/example_ruleset/cloud-retro-hunt/': 428,
}

let server: TestServer
let home: string

before(async () => {
  server = await TestServer.start()
  home = mkdtempSync(join(tmpdir(), 'backtrail-curl-'))
  // What curl should add to the printed commands: no progress, and the status on a line of its own.
  writeFileSync(join(home, '.curlrc'), 'silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')
  for (let n = 1; n <= 12; n++) await server.saveRuleset(`ruleset_${n}`, `rule r${n} { condition: false }`)
})
after(async () => {
  await server.stop()
  rmSync(home, { recursive: true })
})

test('every cURL example of the two pages is answered as specified', { skip: noSpec }, async () => {
  const commands = pages().flatMap((page) => curlCommands(page))
  assert.equal(commands.length, 13)
  const seen = new Set<string>()
  for (const command of commands) {
    const [, method, path] = /curl -X (\w+) 'https:\/\/[^/']+([^']*)'/.exec(command) ?? []
    const endpoint = `${method} ${path}`
    seen.add(endpoint)
    await prepare()
    const { output } = await run('bash', ['-c', adapted(command)], { CURL_HOME: home })
    check(endpoint, output)
  }
  assert.deepEqual([...seen].sort(), Object.keys(expected).sort())
})

test('every Python sample of the two pages is answered as specified', { skip: noPython }, async () => {
  const samples = pages().flatMap((page) => pythonSamples(page))
  assert.equal(samples.length, 12)
  for (const sample of samples) {
    const path = /url = f?"https:\/\/[^/"]+([^"]*)"/.exec(sample)?.[1]
    // Three samples say `get` where they mean POST; what they really send is a GET with a body.
    const method = /requests\.(\w+)\(/.exec(sample)?.[1]?.toUpperCase()
    await prepare()
    const { output } = await run('python3', ['-c', `${adapted(sample)}\nprint(response.status_code)`], {})
    check(`${method} ${path}`, output)
  }
})

/** Examples name a ruleset, delete it, and start a Local Retro: each begins from the same state. */
async function prepare(): Promise<void> {
  await server.saveRuleset('example_ruleset', 'rule example_rule {condition:false}')
  await server.appliance.localRetro.idle()
}

function check(endpoint: string, output: string): void {
  const lines = output.trim().split('\n')
  const status = Number(lines.pop())
  const wanted = expected[endpoint]
  assert.ok(wanted, `no expectation for ${endpoint}`)
  assert.equal(status, wanted, `${endpoint}: ${output}`)
  const body = JSON.parse(lines.join('\n'))
  assert.equal(typeof body, 'object')
  if (status !== 200) assert.ok(body.message)
}

function pages(): string[] {
  return ['yara-api.txt', 'yara-retro-api.txt'].map((file) => readFileSync(join(spec ?? '', file), 'utf8'))
}

function curlCommands(page: string): string[] {
  const commands: string[] = []
  let current: string | null = null
  for (const line of page.split('\n')) {
    const part = line.trim().replace(/\s*\\$/, '')
    if (part.startsWith('curl ')) current = part
    else if (current !== null && part.startsWith('--')) current += ` ${part}`
    else if (current !== null) {
      commands.push(current)
      current = null
    }
  }
  return commands
}

function pythonSamples(page: string): string[] {
  return [...page.matchAll(/^import requests$.*?^print\(response\.text\)$/gms)].map(([sample]) => sample)
}

function adapted(example: string): string {
  return example
    .replace(/https:\/\/(?:appliance|a1000)\.example\.com/g, server.url)
    .replaceAll('exampletoken', server.tokens.admin)
}

function run(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<{ output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', () => resolve({ output }))
  })
}
