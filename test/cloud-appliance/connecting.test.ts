import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { backtrail, folderWith } from '../cli/running.ts'
import { startCloud, Tenant } from '../cloud/tenant.ts'
import { KillableServer, until } from '../faults/killable-server.ts'
import { newMarks, startPair, takeAll } from './appliance-and-cloud.ts'
import { Between } from './fault-proxy.ts'

const slow = { timeout: 120_000 }

test('the check tells point by point what works, and what is in the way when something does not', slow, async (t) => {
  const cloud = await startCloud(t)
  const tenant = await Tenant.add(cloud, 'hunters')
  const line = await Between.start(t, () => cloud.url)
  const check = (flags: readonly string[] = [], password = tenant.password, user = tenant.name) =>
    backtrail(['cloud', 'check', '--cloud-url', line.url, '--cloud-user', user, '--cloud-timeout', '10', ...flags], {
      env: { BACKTRAIL_CLOUD_PASSWORD: password },
    })
  const well = await check()
  assert.equal(well.code, 0, well.stdout + well.stderr)
  for (const point of [
    'address',
    'TLS',
    'credentials',
    'rulesets (TCA-0303)',
    'hunts (TCA-0319)',
    'live feed',
    'retro feed',
    'clocks',
    'limits',
  ]) {
    assert.match(well.stdout, new RegExp(`^ok +${point.replace(/[()]/g, '\\$&')} `, 'm'))
  }

  const wrong = await check([], 'not the password')
  assert.equal(wrong.code, 1)
  assert.match(wrong.stdout, /^FAIL {2}credentials .*Check --cloud-user and the password\.$/m)
  assert.ok(!`${wrong.stdout}${wrong.stderr}`.includes('not the password'))

  line.skew = 600
  const skewed = await check(['--json'])
  assert.equal(skewed.code, 0)
  const points = skewed.stdout
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each))
  assert.deepEqual(points.find(({ point }) => point === 'clocks')?.verdict, 'odd')
  line.skew = 0

  line.onlyFor = 'GET /api/feed/yara/retro'
  line.fault = { kind: 'status', status: 403, text: '' }
  const forbidden = await check()
  assert.equal(forbidden.code, 1)
  assert.match(forbidden.stdout, /^ok +live feed /m)
  assert.match(forbidden.stdout, /^FAIL +retro feed .*ask the operator of the cloud to enable it/m)

  line.onlyFor = ''
  line.fault = { kind: 'refused' }
  const refused = await check()
  assert.equal(refused.code, 1)
  assert.match(refused.stdout, /^FAIL +address .*Check --cloud-url/m)
  assert.equal((await backtrail(['cloud', 'check'])).code, 3)
})

test(
  'a cloud behind a proxy and with a certificate of its own authority is reached, and without that authority it is not',
  slow,
  async (t) => {
    const folder = folderWith(t)
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    try {
      execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...subject],
        { stdio: 'ignore' },
      )
    } catch (error) {
      if (process.env.BACKTRAIL_NO_SKIPS === '1') throw error
      return t.skip('openssl is not there to make a certificate')
    }
    const cloud = await startCloud(t, ['--tls-key', key, '--tls-cert', cert])
    const at = ['cloud', 'check', '--cloud-url', cloud.url, '--cloud-user', 'hunters', '--cloud-timeout', '10']
    const env = { BACKTRAIL_CLOUD_PASSWORD: 'whatever it is' }
    const strange = await backtrail(at, { env })
    assert.match(strange.stdout, /^FAIL +address .*certificate is not trusted.*--cloud-ca/m)
    const trusted = await backtrail([...at, '--cloud-ca', cert], { env })
    assert.match(trusted.stdout, /^ok +TLS +trusted by --cloud-ca/m)
    assert.match(trusted.stdout, /^FAIL +credentials/m)

    const through: string[] = []
    const proxy = createServer()
    proxy.on('connect', (request, socket) => {
      through.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`)
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    t.after(() => proxy.close())
    const address = `http://user:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const proxied = await backtrail([...at, '--cloud-ca', cert, '--cloud-proxy', address], { env })
    assert.match(proxied.stdout, /^FAIL +address .*--cloud-proxy/m)
    const { host } = new URL(cloud.url)
    assert.deepEqual(through, [`${host} Basic ${Buffer.from('user:secret').toString('base64')}`])
  },
)

test(
  'samples that arrive are sent to the cloud only where contributing is switched on, and each once',
  slow,
  async (t) => {
    const { rules, sample } = newMarks()
    const { cloud, appliance, line } = await startPair(t, { flags: ['--cloud-contribute', 'on'], contributes: true })
    await appliance.demandInCloud('own_rules', rules.alpha)
    const [sha1 = ''] = await takeAll(appliance, [sample('alpha')])
    const has = async () =>
      (await cloud.call('POST', '/api/samples/status/', new URLSearchParams({ hash_values: sha1 }))).json
    await until(
      async () => (await has()).results[0].status === 'processed',
      () => 'the cloud has the sample',
    )
    // What the line loses is sent again, in order.
    line.onlyFor = 'POST /api/spex/upload/'
    line.fault = { kind: 'lost' }
    const later = await takeAll(appliance, [sample('beta'), sample('beta')])
    await until(
      () => line.count('POST /api/spex/upload/') > 1,
      () => 'a sample is sent and its answer lost',
    )
    line.fault = { kind: 'fair' }
    await until(
      () => later.every((each) => line.passed.some(({ path, status }) => path.endsWith(each) && status === 200)),
      () => 'both samples are there',
    )
    await appliance.demandRetro('own_rules', 'START')
    await appliance.untilHunt('own_rules', 'COMPLETE')
    assert.deepEqual((await appliance.matchRows('own_rules')).map(({ cloud }) => cloud).sort(), [false, true])
  },
)

test('an appliance does not start with half a cloud, nor with files that are of no use', slow, async (t) => {
  const folder = folderWith(t)
  writeFileSync(join(folder, 'empty'), '\n')
  const serve = (...flags: string[]) => backtrail(['serve', '--data', join(folder, 'data'), '--port', '0', ...flags])
  const cloud = ['--cloud-url', 'https://cloud.example', '--cloud-user', 'ana']
  for (const [flags, sentence] of [
    [['--cloud-user', 'ana'], /--cloud-user is of no use without --cloud-url/],
    [cloud, /CLOUD_PASSWORD or --cloud-password-file is needed/],
    [[...cloud, '--cloud-password-file', join(folder, 'none')], /none \(--cloud-password-file\) cannot be read/],
    [[...cloud, '--cloud-password-file', join(folder, 'empty')], /first line .* should be the cloud's password/],
    [
      [...cloud, '--cloud-password-file', join(folder, 'empty'), '--cloud-ca', join(folder, 'empty')],
      /first line|no certificate/,
    ],
  ] as const) {
    const { code, stderr } = await serve(...flags)
    assert.equal(code, 3, stderr)
    assert.match(stderr, sentence)
  }
})

test('an appliance without a cloud says so', slow, async (t) => {
  const appliance = new KillableServer(t)
  await appliance.start()
  const form = new URLSearchParams({ name: 'own_rules', content: newMarks().rules.alpha, ticloud: 'true' })
  const { json } = await appliance.call('POST', '/api/yara/ruleset/', form)
  assert.equal(json.detail.cloud_synced, false)
  assert.match(json.detail.note, /not connected to Spectra Intelligence/)
  const path = '/api/yara/ruleset/own_rules/cloud-retro-hunt/'
  assert.equal((await appliance.call('GET', path)).status, 428)
  for (const operation of ['START', 'STOP', 'CLEAR']) {
    assert.equal((await appliance.call('POST', path, new URLSearchParams({ operation }))).status, 428)
  }
  assert.equal((await appliance.call('GET', '/api/yara/ticloud/time/')).status, 405)
})
