/** Machines on which the project's own Node does not start: the real set-up, with a Node that does what it does there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('..', import.meta.url))
const ownNode = 'node_modules/.bin/node'

/** A checkout with what the set-up looks at: its scripts, the lockfile, and a Node. */
function checkoutWith(t: TestContext, node: string | Buffer | null): string {
  const root = mkdtempSync(join(tmpdir(), 'backtrail-setup-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const part of ['scripts', 'bin', 'package.json', 'package-lock.json']) {
    cpSync(join(checkout, part), join(root, part), { recursive: true })
  }
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true })
  const installed = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  writeFileSync(join(root, 'node_modules/.backtrail-installed'), installed)
  if (node !== null) writeProgram(join(root, ownNode), node)
  return root
}

function writeProgram(path: string, content: string | Buffer): void {
  writeFileSync(path, content)
  chmodSync(path, 0o755)
}

function run(root: string, command: string, ...parameters: string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(command, parameters, { cwd: root, encoding: 'utf8', timeout: 60_000 })
  return { status, stderr }
}

/** A program that ends as the dynamic loader does. */
const refusing = (words: string) => `#!/bin/sh\necho "$0: ${words}" >&2\nexit 127\n`
const loading = 'error while loading shared libraries'
const noFile = 'cannot open shared object file: No such file or directory'

const cases: readonly (readonly [what: string, node: string, says: RegExp])[] = [
  [
    'lacks libatomic',
    refusing(`${loading}: libatomic.so.1: ${noFile}`),
    /lacks the library libatomic\.so\.1\. Install it .*on Debian and Ubuntu `apt-get install libatomic1`.*`dnf install libatomic`/,
  ],
  ['lacks libstdc++', refusing(`${loading}: libstdc++.so.6: ${noFile}`), /`apt-get install libstdc\+\+6`/],
  [
    'lacks a library that nobody foresaw',
    refusing(`${loading}: libnew.so.3: ${noFile}`),
    /lacks the library libnew\.so\.3\..*apt-file search libnew\.so\.3/,
  ],
  [
    'has a C library that is too old',
    refusing("/lib/libc.so.6: version 'GLIBC_2.38' not found (required by node)"),
    /too old: they lack GLIBC_2\.38/,
  ],
  [
    'refuses for another reason',
    '#!/bin/sh\necho "Illegal instruction" >&2\nexit 132\n',
    /does not start \(status 132\): Illegal instruction/,
  ],
  ['has a loader of another kind', '#!/lib64/no-such-loader\n', /this system cannot run it/],
  ['has an older Node there', '#!/bin/sh\necho v24.1.0\n', /own Node is v24\.1\.0, and 26 or later is needed/],
]

for (const [what, node, says] of cases) {
  test(`a system that ${what} is told in a sentence what to do`, (t) => {
    const root = checkoutWith(t, node)
    const { status, stderr } = run(root, process.execPath, 'scripts/setup.mjs')
    assert.deepEqual([status, stderr.trim().split('\n').length], [1, 1], stderr)
    assert.match(stderr, /^Set-up failed: .*\.\n$/)
    assert.match(stderr, says)
  })
}

test('what the real loader says about a missing library is understood', (t) => {
  // The name of the library it needs, changed in a small program of this system.
  const program = readFileSync('/bin/true').toString('latin1')
  assert.ok(program.includes('libc.so.6'), '/bin/true is linked to the C library')
  const root = checkoutWith(t, Buffer.from(program.replaceAll('libc.so.6', 'libq.so.6'), 'latin1'))
  const { status, stderr } = run(root, process.execPath, 'scripts/setup.mjs')
  assert.equal(status, 1)
  assert.match(stderr, /lacks the library libq\.so\.6/)
})

test('npm start says it too, again and again, although npm would run its scripts under the Node that does not start', (t) => {
  const root = checkoutWith(t, refusing(`${loading}: libatomic.so.1: ${noFile}`))
  for (const _time of [1, 2]) {
    const { status, stderr } = run(root, 'npm', 'start', '--silent')
    assert.equal(status, 1)
    assert.match(stderr, /^Set-up failed: .*apt-get install libatomic1/m)
  }
})

test('a first installation says it, and keeps the mark of a good one back', (t) => {
  const root = checkoutWith(t, null)
  rmSync(join(root, 'node_modules'), { recursive: true })
  mkdirSync(join(root, 'path'))
  // In place of the registry: brings a Node that lacks a library.
  const node = refusing(`${loading}: libatomic.so.1: ${noFile}`)
  writeProgram(join(root, 'brought'), node)
  writeProgram(join(root, 'path/npm'), `#!/bin/sh\nmkdir -p node_modules/.bin && cp -p brought ${ownNode}\n`)
  const path = `${join(root, 'path')}:${process.env.PATH}`
  const { status, stderr } = run(root, 'env', `PATH=${path}`, process.execPath, 'scripts/setup.mjs')
  assert.equal(status, 1)
  assert.match(stderr, /apt-get install libatomic1/)
  assert.ok(!existsSync(join(root, 'node_modules/.backtrail-installed')))
})

test('where there is no build of the own Node, that of the machine serves', (t) => {
  const root = checkoutWith(t, null)
  rmSync(join(root, 'node_modules'), { recursive: true })
  mkdirSync(join(root, 'path'))
  // In place of the registry: has no Node for this machine.
  writeProgram(join(root, 'path/npm'), '#!/bin/sh\nmkdir -p node_modules\n')
  const path = `${join(root, 'path')}:${process.env.PATH}`
  run(root, 'env', `PATH=${path}`, process.execPath, 'scripts/setup.mjs')
  const { stdout } = spawnSync(join(root, ownNode), ['--version'], { encoding: 'utf8' })
  assert.equal(stdout.trim(), process.version)
  assert.ok(existsSync(join(root, 'node_modules/.backtrail-installed')))
})

test('the command line says where to look when the Node does not start', (t) => {
  const root = checkoutWith(t, refusing(`${loading}: libatomic.so.1: ${noFile}`))
  const { status, stderr } = run(root, join(root, 'bin/backtrail'), '--version')
  assert.equal(status, 1)
  assert.match(stderr, /own Node does not start: .*libatomic\.so\.1/)
  assert.match(stderr, /node scripts\/setup\.mjs/)
})
