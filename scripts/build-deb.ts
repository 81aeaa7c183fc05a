/**
 * `npm run deb -- [FOLDER]`: the Debian package of this checkout, made by `dpkg-deb`. With SOURCE_DATE_EPOCH the same
 * checkout gives the same bytes. BACKTRAIL_DEB_LEVEL=1 compresses it less, for trying it out: in a fifth of the time.
 */
import {
  chmodSync,
  cpSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { copyProgram, packageJson, root, run, settle } from './program-tree.ts'

const HOME = 'usr/lib/backtrail'
const folder = resolve(process.argv[2] ?? '.')
const { version } = packageJson
/** That of dpkg-deb, unless given otherwise. */
const level = process.env.BACKTRAIL_DEB_LEVEL || '19'
const tree = mkdtempSync(join(tmpdir(), 'backtrail-deb-'))
const from = (path: string) => join(root, 'deploy', path)
const to = (path: string, text: string) => {
  mkdirSync(join(tree, path, '..'), { recursive: true })
  writeFileSync(join(tree, path), text)
}

try {
  copyProgram(join(tree, HOME))
  mkdirSync(join(tree, 'usr/bin'))
  symlinkSync('../lib/backtrail/bin/backtrail', join(tree, 'usr/bin/backtrail'))
  for (const file of globSync(from('systemd/*.{service,timer}')).sort())
    to(`usr/lib/systemd/system/${basename(file)}`, atHome(readFileSync(file, 'utf8')))
  for (const kind of ['sysusers', 'tmpfiles'])
    to(`usr/lib/${kind}.d/backtrail.conf`, readFileSync(from(`systemd/backtrail.${kind}.conf`), 'utf8'))
  to('etc/backtrail/backtrail.env', readFileSync(from('debian/backtrail.env'), 'utf8'))
  to('usr/share/doc/backtrail/copyright', readFileSync(from('debian/copyright'), 'utf8'))
  for (const page of globSync(join(root, 'docs/*.md')).sort())
    cpSync(page, join(tree, 'usr/share/doc/backtrail', basename(page)))
  settle(tree)
  const kilobytes = readdirSync(tree, { recursive: true, encoding: 'utf8' })
    .map((path) => lstatSync(join(tree, path)))
    .reduce((sum, status) => sum + (status.isFile() ? Math.ceil(status.size / 1024) : 1), 0)
  const control = readFileSync(from('debian/control'), 'utf8')
  to('DEBIAN/control', control.replace('@VERSION@', version).replace('@SIZE@', String(kilobytes)))
  to('DEBIAN/conffiles', '/etc/backtrail/backtrail.env\n')
  for (const script of ['postinst', 'prerm', 'postrm']) {
    to(`DEBIAN/${script}`, readFileSync(from(`debian/${script}`), 'utf8'))
  }
  settle(tree)
  for (const script of ['postinst', 'prerm', 'postrm']) chmodSync(join(tree, 'DEBIAN', script), 0o755)
  // It may get secrets.
  chmodSync(join(tree, 'etc/backtrail/backtrail.env'), 0o600)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `backtrail_${version}_amd64.deb`)
  // One thread: how many there are would be seen in the bytes.
  run('dpkg-deb', ['--root-owner-group', '-Zzstd', `-z${level}`, '--threads-max=1', '--build', tree, file])
  console.log(file)
} finally {
  rmSync(tree, { recursive: true, force: true })
}

/** The units for a checkout in /opt, for the place that the package has. */
function atHome(unit: string): string {
  return unit
    .replaceAll('/opt/backtrail/bin/', `/${HOME}/bin/`)
    .replaceAll('/opt/backtrail/docs/', '/usr/share/doc/backtrail/')
    .replace('# For a checkout in /opt/backtrail. See docs/operations.md.\n', '')
    .replace(', for a checkout in /opt/backtrail. See docs/cluster.md.', '.')
}
