/** What `npm publish` would send is enough to run a server, as `npx backtrail` does. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { backtrailTo, folderWith, root, startServer } from './running.ts'

test('the package runs a server with its pages, and hunts, where it is installed beside its dependencies', async (t) => {
  const folder = folderWith(t, {
    'samples/one': 'the marked words',
    'marks.yar': 'rule marked { strings: $a = "the marked words" condition: $a }',
  })
  // The set-up before the tests has built what `prepack` builds.
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(packed.status, 0, packed.stderr)
  const [{ filename, files }] = JSON.parse(packed.stdout)
  const unwanted = files.filter(({ path }: { path: string }) => /^(src|test|bench|scripts|data)\/|\.test\./.test(path))
  assert.deepEqual(unwanted, [])
  assert.ok(statSync(join(folder, filename)).size < 20_000_000)

  const modules = join(folder, 'node_modules')
  const installed = join(modules, 'backtrail')
  mkdirSync(installed, { recursive: true })
  const unpacked = spawnSync('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', installed])
  assert.equal(unpacked.status, 0, String(unpacked.stderr))
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  const declared = new Set(
    [...Object.keys(dependencies), ...Object.keys(optionalDependencies)].map((name) => name.split('/')[0]),
  )
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '.bin' || declared.has(name)) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }

  const command = join(installed, 'bin/backtrail')
  const data = join(folder, 'data')
  const server = await startServer(t, ['--data', data], { command: `${command} serve`, cwd: folder })
  const page = await (await fetch(`${server.url}/`)).text()
  assert.match(page, /<title>Backtrail/)
  const [script] = /\/assets\/[^"]+\.js/.exec(page) ?? assert.fail('the page names no script')
  assert.equal((await fetch(`${server.url}${script}`)).status, 200)
  assert.equal(await server.stop(), 0)
  const elsewhere = { command, cwd: folder }
  await backtrailTo(0, ['ingest', join(folder, 'samples'), '--data', data], elsewhere)
  assert.match((await backtrailTo(0, ['hunt', join(folder, 'marks.yar'), '--data', data], elsewhere)).stdout, /marked/)
})
