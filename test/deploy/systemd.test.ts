/** The files for systemd, checked by its own tools. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { options } from '../../src/settings/index.ts'
import { binary, folderWith, root } from '../cli/running.ts'
import { skipWithout } from '../http/harness.ts'

const from = join(root, 'deploy/systemd')
const unit = (name: string): string => readFileSync(join(from, name), 'utf8')
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const noAnalyze = skipWithout(has('systemd-analyze'), 'systemd-analyze is not installed')
const noFolders = skipWithout(
  has('systemd-sysusers') && has('systemd-tmpfiles') && process.getuid?.() === 0,
  'systemd-sysusers and systemd-tmpfiles are not installed, or this is not root',
)

/** The units as they would be for this checkout: systemd looks whether the program is there. */
function units(folder: string): string[] {
  return ['backtrail.service', 'backtrail-backup.service', 'backtrail-node.service', 'backtrail-backup.timer'].map(
    (name) => {
      const path = join(folder, name)
      writeFileSync(path, unit(name).replaceAll('/opt/backtrail/bin/backtrail', binary))
      return path
    },
  )
}

test('systemd finds nothing wrong with the units, and little that they could do to the machine', {
  skip: noAnalyze,
}, (t) => {
  const paths = units(folderWith(t))
  const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', ...paths], { encoding: 'utf8' })
  assert.equal(`${stdout}${stderr}`, '')
  assert.equal(status, 0)
  for (const path of paths.filter((path) => path.endsWith('.service'))) {
    // 30 is an exposure of 3.0 of 10.
    const security = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=30', path], {
      encoding: 'utf8',
    })
    assert.equal(security.status, 0, `${security.stdout}${security.stderr}`.slice(-300))
  }
})

test('the units allow what the engines need, and give the server the time that it takes to stop', () => {
  for (const name of ['backtrail.service', 'backtrail-node.service']) {
    const setting = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit(name))?.[1]
    assert.equal(setting('MemoryDenyWriteExecute'), undefined)
    assert.ok(Number(setting('TimeoutStopSec')) >= options.shutdownGrace.default / 1000 + 10)
    assert.equal(setting('RestartPreventExitStatus'), '3')
    assert.equal(setting('KillMode'), 'mixed')
  }
})

test('the user and the folders of the units are made, readable by nobody else', { skip: noFolders }, (t) => {
  const folder = folderWith(t)
  mkdirSync(join(folder, 'etc'))
  for (const [program, parameters] of [
    ['systemd-sysusers', [join(from, 'backtrail.sysusers.conf')]],
    ['systemd-tmpfiles', ['--create', join(from, 'backtrail.tmpfiles.conf')]],
  ] as const) {
    const { status, stderr } = spawnSync(program, [`--root=${folder}`, ...parameters], { encoding: 'utf8' })
    assert.equal(status, 0, `${program}: ${stderr}`)
  }
  const [, uid] =
    /^backtrail:x:(\d+):/m.exec(readFileSync(join(folder, 'etc/passwd'), 'utf8')) ?? assert.fail('no user')
  for (const path of ['var/lib/backtrail', 'var/backups/backtrail']) {
    const { mode, uid: owner } = statSync(join(folder, path))
    assert.equal(mode & 0o777, 0o700, path)
    assert.equal(owner, Number(uid), path)
  }
})
