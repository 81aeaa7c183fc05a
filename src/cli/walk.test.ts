import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Found, walk } from './walk.ts'

const folder = mkdtempSync(join(tmpdir(), 'backtrail-walk-'))
after(() => rmSync(folder, { recursive: true, force: true }))

async function found(paths: readonly string[], except?: string): Promise<Found[]> {
  const all = await Array.fromAsync(walk(paths, except))
  return all.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function place(name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

test('files are found in all folders below, with their sizes', async () => {
  const top = place('plain')
  place('plain/a/b')
  writeFileSync(join(top, 'one'), '1')
  writeFileSync(join(top, 'a/b/three'), '333')
  assert.deepEqual(
    (await found([top])).map((file) => [file.kind, file.path, file.kind === 'file' && file.size]),
    [
      ['file', join(top, 'a/b/three'), 3],
      ['file', join(top, 'one'), 1],
    ],
  )
})

test('links and special files below a folder are left out', async () => {
  const top = place('special')
  writeFileSync(join(top, 'real'), 'x')
  symlinkSync(join(top, 'real'), join(top, 'to-file'))
  symlinkSync('/', join(top, 'to-root'))
  execFileSync('mkfifo', [join(top, 'pipe')])
  assert.deepEqual(
    (await found([top])).map(({ kind, path }) => [kind, path.slice(top.length + 1)]),
    [
      ['leftOut', 'pipe'],
      ['file', 'real'],
      ['leftOut', 'to-file'],
      ['leftOut', 'to-root'],
    ],
  )
})

test('a named link, and a named path that does not exist, are told as unreadable with the reason', async () => {
  const top = place('named')
  symlinkSync('/', join(top, 'link'))
  const [link, missing] = await found([join(top, 'link'), join(top, 'missing')])
  assert.deepEqual(link, {
    kind: 'unreadable',
    path: join(top, 'link'),
    reason: 'is a link, and links are not followed; name what it points to',
  })
  assert.deepEqual(missing, { kind: 'unreadable', path: join(top, 'missing'), reason: 'no such file or directory' })
})

test('a folder that may not be read is told, and the rest is found', async () => {
  const top = place('closed')
  writeFileSync(join(top, 'open'), 'x')
  chmodSync(place('closed/shut'), 0o000)
  chmodSync(folder, 0o755)
  // The superuser may read every folder, so be nobody for a moment.
  const nobody = 65_534
  const isRoot = process.getuid?.() === 0
  if (isRoot) process.seteuid?.(nobody)
  const all = await found([top]).finally(() => isRoot && process.seteuid?.(0))
  chmodSync(join(top, 'shut'), 0o700)
  assert.deepEqual(
    all.map((one) => [one.kind, one.kind === 'unreadable' && one.reason]),
    [
      ['file', false],
      ['unreadable', 'permission denied'],
    ],
  )
})

test('a name that is not valid UTF-8 is opened by its bytes', async () => {
  const top = place('bytes')
  const source = Buffer.concat([Buffer.from(`${top}/bad`), Buffer.from([0xff]), Buffer.from('name')])
  writeFileSync(source, 'x')
  assert.deepEqual(await found([top]), [
    {
      kind: 'file',
      path: source.toString(),
      source,
      name: 'bad\ufffdname',
      folder: top,
      owner: userInfo().username,
      size: 1,
    },
  ])
})

test('the excepted folder is left out, also under another spelling of its path', async () => {
  const top = place('self')
  writeFileSync(join(place('self/data'), 'database'), 'x')
  writeFileSync(join(top, 'sample'), 'x')
  assert.deepEqual(
    (await found([`${top}/.`], join(top, 'data'))).map(({ kind }) => kind),
    ['leftOut', 'file'],
  )
})
