/**
 * `npm run image -- [FOLDER]`: an OCI image of this checkout in the layout of an image folder, with its bill of materials
 * beside it. `mmdebstrap` gets the base, `umoci` makes the image. With SOURCE_DATE_EPOCH the same checkout and the same state
 * of Debian (BACKTRAIL_DEBIAN_MIRROR may be one of snapshot.debian.org) give the same digest. BACKTRAIL_DEBIAN_ARCHIVES is a
 * folder for the packages of the base: they are left there, and taken from there when it has them. With
 * BACKTRAIL_IMAGE_LAYERS=1 no image is made: the digests of its layers are printed, as they are before compression.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { billOfMaterials } from './bill-of-materials.ts'
import { makeBase } from './image-base.ts'
import { addHealthCheck } from './image-config.ts'
import { buildTime, copyProgram, packageJson, root, run, settle } from './program-tree.ts'

const HOME = '/usr/lib/backtrail'
const NODE = `${HOME}/node_modules/.bin/node`
const USER = 10001

const folder = resolve(process.argv[2] ?? 'image')
const image = `${folder}:latest`
const created = new Date(buildTime * 1000).toISOString()
const layersOnly = process.env.BACKTRAIL_IMAGE_LAYERS === '1'
const work = mkdtempSync(join(tmpdir(), 'backtrail-image-'))
try {
  if (!layersOnly) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(dirname(folder), { recursive: true })
    run('umoci', ['init', '--layout', folder])
    run('umoci', ['new', '--image', image])
  }

  const base = join(work, 'base')
  const packages = makeBase(base)
  for (const path of ['data', 'backups', 'proc', 'sys', 'dev', 'tmp']) mkdirSync(join(base, path), { recursive: true })
  writeFileSync(join(base, 'etc/passwd'), `root:x:0:0::/:/nologin\nbacktrail:x:${USER}:${USER}::/data:/nologin\n`)
  writeFileSync(join(base, 'etc/group'), `root:x:0:\nbacktrail:x:${USER}:\n`)
  settle(base)
  chmodSync(join(base, 'tmp'), 0o1777)
  // A new volume takes over whose they are.
  for (const path of ['data', 'backups']) {
    chmodSync(join(base, path), 0o700)
    chownSync(join(base, path), USER, USER)
  }
  await addLayer('base', base)

  // Changes more often, and is a layer of its own.
  const program = join(work, 'program')
  const bill = `${JSON.stringify(billOfMaterials(packages, buildTime), null, 2)}\n`
  copyProgram(join(program, HOME))
  copyFileSync(join(root, 'deploy/image/health.mjs'), join(program, HOME, 'health.mjs'))
  writeFileSync(join(program, HOME, 'bill-of-materials.cdx.json'), bill)
  // For commands in a container that runs: `docker compose exec backtrail backtrail backup /backups`.
  mkdirSync(join(program, 'usr/bin'))
  symlinkSync(`..${HOME.slice('/usr'.length)}/bin/backtrail`, join(program, 'usr/bin/backtrail'))
  settle(program)
  await addLayer('program', program)
  if (!layersOnly) describe(bill)
} finally {
  rmSync(work, { recursive: true, force: true })
}

/** Says how the image is run, and where its bill of materials is. */
function describe(bill: string): void {
  const environment = {
    PATH: '/usr/bin:/bin',
    BACKTRAIL_DATA: '/data',
    BACKTRAIL_HOST: '0.0.0.0',
    NODE_COMPILE_CACHE: '/tmp/backtrail',
    // As in bin/backtrail.
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=67108864:glibc.malloc.trim_threshold=134217728',
  }
  const labels = {
    title: 'Backtrail',
    description: packageJson.description,
    version: packageJson.version,
    licenses: packageJson.license,
  }
  run('umoci', [
    ...['config', '--image', image, '--no-history', '--created', created, '--architecture', 'amd64', '--os', 'linux'],
    ...['--config.user', `${USER}:${USER}`, '--config.workingdir', '/data', '--config.volume', '/data'],
    ...['--config.volume', '/backups'],
    ...[NODE, `${HOME}/dist/main.js`].flatMap((part) => ['--config.entrypoint', part]),
    ...['--config.cmd', 'serve'],
    ...['--config.exposedports', '8080/tcp', '--config.stopsignal', 'SIGTERM'],
    ...Object.entries(environment).flatMap(([name, value]) => ['--config.env', `${name}=${value}`]),
    ...Object.entries(labels).flatMap(([name, value]) => [
      '--config.label',
      `org.opencontainers.image.${name}=${value}`,
    ]),
  ])
  const { digest, size } = addHealthCheck(folder, [NODE, `${HOME}/health.mjs`])
  run('umoci', ['gc', '--layout', folder])
  writeFileSync(`${folder}.cdx.json`, bill)
  console.log(`${folder}: ${(size / 1e6).toFixed(1)} MB compressed, ${digest}`)
}

/** As a layer of its own, in an order and with times that do not depend on when and where it is made. */
async function addLayer(name: string, tree: string): Promise<void> {
  const archive = join(work, `${name}.tar`)
  run('tar', [
    ...['--create', '--file', archive, '--directory', tree, '--sort=name', '--format=gnu', '--numeric-owner'],
    ...[`--mtime=@${buildTime}`, '.'],
  ])
  const history = ['--history.created', created, '--history.author', 'Backtrail', '--history.created_by', name]
  if (layersOnly) {
    const hash = createHash('sha256')
    for await (const piece of createReadStream(archive)) hash.update(piece)
    console.log(`sha256:${hash.digest('hex')}`)
  } else run('umoci', ['raw', 'add-layer', '--image', image, ...history, archive])
  rmSync(archive)
  rmSync(tree, { recursive: true })
}
