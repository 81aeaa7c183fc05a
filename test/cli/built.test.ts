/** `bin/backtrail` runs what was built, and never something older than the source. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './running.ts'

/** Says that it ran, and from where: appended to the first file of either program. */
const saying = (what: string) => `\nconsole.log(${JSON.stringify(what)})\n`

test('what was built runs, unless a source has changed since or is there no more', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-built-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const part of ['bin', 'src', 'dist', 'package.json']) {
    assert.ok(existsSync(join(root, part)), `${part} is there: the set-up before the tests has built the server`)
    cpSync(join(root, part), join(folder, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  appendFileSync(join(folder, 'src/main.ts'), saying('from the source'))
  appendFileSync(join(folder, 'dist/main.js'), saying('from what was built'))
  const mark = join(folder, 'dist/.built-from')
  const run = () => spawnSync(join(folder, 'bin/backtrail'), ['--version'], { encoding: 'utf8' }).stdout.split('\n')[1]

  /** As if the build had just ended. */
  const built = () => utimesSync(mark, new Date(), new Date())
  built()
  assert.equal(run(), 'from what was built')

  const now = new Date()
  utimesSync(join(folder, 'src/hunts/index.ts'), now, now)
  assert.equal(run(), 'from the source')
  built()
  assert.equal(run(), 'from what was built')
  rmSync(join(folder, 'src/errors/index.ts'))
  assert.equal(run(), undefined, 'a file that was removed is a change too: the source runs, which lacks it')

  rmSync(join(folder, 'src'), { recursive: true })
  assert.equal(run(), 'from what was built', 'a package comes without the source')
  rmSync(mark)
  assert.notEqual(run(), 'from what was built', 'a build that was not finished is none')
})

test('a command that asks nobody over HTTP does not load the clients for it that Node has', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-built-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const telling = "process.on('exit', () => process.stderr.write(process.moduleLoadList.join('\\n')))"
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      `--import=data:text/javascript,${encodeURIComponent(telling)}`,
      ...[join(root, 'dist/main.js'), 'users', 'add', 'ada', '--data', folder],
    ],
    { encoding: 'utf8' },
  )
  assert.equal(status, 0, stderr)
  assert.match(stderr, /^NativeModule http$/m)
  assert.doesNotMatch(stderr, /^NativeModule internal\/(?:deps\/undici|http2)\//m)
})
