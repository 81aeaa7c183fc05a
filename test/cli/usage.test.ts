import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { backtrail, backtrailTo, binary, folderWith, root } from './running.ts'

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const commands = [
  [],
  ['serve'],
  ['ingest'],
  ['hunt'],
  ['explain'],
  ['rules'],
  ['rules', 'import'],
  ['rules', 'sources'],
  ['rules', 'sources', 'add'],
  ['rules', 'sources', 'sync'],
  ['index'],
  ['index', 'build'],
  ['index', 'check'],
  ['index', 'stats'],
  ['check'],
  ['backup'],
  ['restore'],
  ['move'],
  ['retention'],
  ['retention', 'set'],
  ['retention', 'preview'],
  ['users'],
  ['users', 'add'],
  ['users', 'list'],
  ['users', 'password'],
  ['users', 'role'],
  ['users', 'quota'],
  ['users', 'token'],
  ['users', 'remove'],
]

/** What the commands print with a flag, all in one process: sixty would take sixty starts. */
function printedWith(flag: string): string[] {
  const script = `
    import { runCommandLine } from ${JSON.stringify(join(root, 'src/cli/index.ts'))}
    process.stdout.setMaxListeners(0)
    for (const command of ${JSON.stringify(commands)}) {
      process.exitCode ||= await runCommandLine(['node', 'backtrail', ...command, '${flag}'])
      process.stdout.write('\\0')
    }`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.deepEqual([status, stderr], [0, ''])
  return stdout.split('\0').slice(0, -1)
}

test('every command tells its usage, its options and the exit statuses', async () => {
  const printed = printedWith('--help')
  assert.equal(printed.length, commands.length)
  for (const [n, command] of commands.entries()) {
    assert.match(printed[n] ?? '', new RegExp(`^Usage: ${['backtrail', ...command].join(' ')}[ \\n]`))
    assert.match(printed[n] ?? '', /Exit status:\n {2}0 {4}all of it was done\n/)
  }
  const { stdout, stderr } = await backtrailTo(0, ['rules', 'sources', 'add', '--help'])
  assert.deepEqual(
    [stdout, stderr],
    [printed[commands.findIndex((words) => words.join(' ') === 'rules sources add')], ''],
  )
})

test('every command tells the version', async () => {
  assert.deepEqual(
    printedWith('--version'),
    commands.map(() => `${version}\n`),
  )
  for (const command of [[], ['users', 'list']])
    assert.equal((await backtrailTo(0, [...command, '--version'])).stdout, `${version}\n`)
})

test('what only prints loads neither the store nor the server', async () => {
  const telling = `import { registerHooks } from 'node:module'
    registerHooks({ load: (url, context, next) => (process.stderr.write(url + '\\n'), next(url, context)) })`
  const env = { NODE_OPTIONS: `--import=data:text/javascript;base64,${Buffer.from(telling).toString('base64')}` }
  for (const command of [['--version'], ['check', '--help'], ['users', '--help']]) {
    const loaded = (await backtrailTo(0, command, { env })).stderr
    assert.match(loaded, /\/src\/cli\/program\.ts\n|\/dist\/parts\/cli-/)
    assert.doesNotMatch(loaded, /\/src\/(?:store|http|appliance)\/|\/dist\/parts\/(?:store|http|appliance)-/)
  }
})

test('the usage names the environment variable and the default of a setting', async () => {
  const usage = (await backtrailTo(0, ['serve', '--help'])).stdout.replace(/\s+/g, ' ')
  assert.match(usage, /--upload-limit <size> [^-]*\(default: 700MB; environment: BACKTRAIL_UPLOAD_LIMIT\)/)
  assert.match(usage, /BACKTRAIL_ADMIN_TOKEN/)
  assert.doesNotMatch(usage, /--admin-token/)
})

test('what cannot be understood ends with status 3 and a hint', async () => {
  assert.match((await backtrailTo(3, ['ingst'])).stderr, /unknown command 'ingst'\n\(Did you mean ingest\?\)/)
  assert.match((await backtrailTo(3, ['hunt'])).stderr, /missing required argument 'rules'/)
  assert.match(
    (await backtrailTo(3, ['serve', '--porte', '1'])).stderr,
    /unknown option '--porte'\n\(Did you mean --port/,
  )
  assert.match((await backtrailTo(3, [])).stderr, /^Usage: backtrail/)
})

test('a setting that is not allowed ends with status 3 and says where it came from', async () => {
  assert.equal(
    (await backtrailTo(3, ['serve', '--port', '99999'])).stderr,
    'backtrail: --port must be a whole number from 0 to 65535, not "99999".\n',
  )
  const env = { BACKTRAIL_SCAN_LIMIT: 'much' }
  assert.match(
    (await backtrailTo(3, ['serve'], { env })).stderr,
    /^backtrail: The environment variable BACKTRAIL_SCAN_LIMIT/,
  )
  assert.match((await backtrailTo(3, ['users', 'list', '--server', 'http://x'])).stderr, /--token .* is needed/)
})

test('a command that only reads does not make a data folder', async (t) => {
  const missing = join(folderWith(t), 'missing')
  for (const command of [
    ['users', 'list'],
    ['index', 'stats'],
  ]) {
    const { stderr } = await backtrailTo(3, [...command, '--data', missing])
    assert.match(stderr, /^backtrail: There is no data folder .*missing; name one with --data/)
  }
})

test("it runs through a link, from elsewhere, under the project's own Node whatever the PATH has", async (t) => {
  const folder = folderWith(t)
  writeFileSync(join(folder, 'node'), '#!/bin/sh\necho "the wrong Node" >&2\nexit 9\n')
  chmodSync(join(folder, 'node'), 0o755)
  symlinkSync(binary, join(folder, 'first'))
  symlinkSync('first', join(folder, 'second'))
  const options = { cwd: folder, command: './second', env: { PATH: `${folder}:/usr/bin:/bin` } }
  assert.deepEqual(await backtrail(['--version'], options), { code: 0, stdout: `${version}\n`, stderr: '' })
})

test('where there is only an older Node it says so, with the place of that', async (t) => {
  const folder = folderWith(t, { 'bin/backtrail': readFileSync(binary), 'old/node': '#!/bin/sh\necho v24.9.0\n' })
  mkdirSync(join(folder, 'node_modules'))
  for (const name of ['bin/backtrail', 'old/node']) chmodSync(join(folder, name), 0o755)
  const options = { command: join(folder, 'bin/backtrail'), env: { PATH: `${folder}/old:/usr/bin:/bin` } }
  const { code, stderr } = await backtrail(['--version'], options)
  assert.equal(code, 1)
  assert.match(stderr, /^backtrail: Node 26 or later is needed, and .*\/old\/node is v24\.9\.0; install it/)
})

test('without the installed dependencies it says what to do', async (t) => {
  const folder = folderWith(t, { 'bin/backtrail': readFileSync(binary) })
  chmodSync(join(folder, 'bin/backtrail'), 0o755)
  const { code, stderr } = await backtrail(['--version'], { command: join(folder, 'bin/backtrail') })
  assert.equal(code, 1)
  assert.match(stderr, /the dependencies are not installed; run 'npm ci' in .* first\n$/)
})
