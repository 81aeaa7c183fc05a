import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import {
  clientOptions,
  flagOf,
  options,
  readClientSettings,
  readSettings,
  readSize,
  renderReference,
  variableOf,
} from './index.ts'

const refusal = (flags: Record<string, unknown>, env: Record<string, string> = {}): string => {
  try {
    readSettings(flags, env)
  } catch (error) {
    assert.ok(error instanceof Failure)
    assert.equal(error.code, 'settings.invalid')
    return error.message
  }
  assert.fail('nothing was refused')
}

test('without flags and variables every option has its preset', () => {
  const settings = readSettings({}, {})
  for (const [name, option] of Object.entries(options))
    assert.deepEqual(settings[name as keyof typeof settings], option.default)
  assert.equal(settings.uploadLimit, 734_003_200)
  assert.equal(settings.host, '127.0.0.1')
})

test('a flag wins over its variable, and an empty variable is none', () => {
  assert.equal(readSettings({ port: '9000' }, { BACKTRAIL_PORT: '9001' }).port, 9000)
  assert.equal(readSettings({}, { BACKTRAIL_PORT: '9001' }).port, 9001)
  assert.equal(readSettings({}, { BACKTRAIL_PORT: '' }).port, 8080)
})

test('sizes and times are read with their units and become bytes and milliseconds', () => {
  const { uploadLimit, scanTimeout, shutdownGrace } = readSettings(
    { uploadLimit: '1.5 gb', scanTimeout: '5m', shutdownGrace: '500ms' },
    {},
  )
  assert.deepEqual([uploadLimit, scanTimeout, shutdownGrace], [1_610_612_736, 300_000, 500])
  assert.equal(readSettings({ scanTimeout: '90' }, {}).scanTimeout, 90_000)
  assert.equal(readSettings({ uploadLimit: '65536' }, {}).uploadLimit, 65_536)
  assert.deepEqual(['7', '7b', ' 1.5 KB', '0', '', '-1', '1e3', '9999999TB'].map(readSize), [
    ...[7, 7, 1_536, 0],
    ...[undefined, undefined, undefined, undefined],
  ])
})

test('the data folder is absolute, from the working folder', () => {
  assert.equal(readSettings({ data: 'x/y' }, {}).data, `${process.cwd()}/x/y`)
})

test('proxies are addresses, networks or the three named groups', () => {
  assert.deepEqual(readSettings({ trustProxy: '10.0.0.1, 192.168.0.0/16,loopback' }, {}).trustProxy, [
    '10.0.0.1',
    '192.168.0.0/16',
    'loopback',
  ])
  assert.match(refusal({ trustProxy: 'everyone' }), /^--trust-proxy must be addresses or networks/)
})

test('a refusal names the option, where the value came from, and what is allowed', () => {
  assert.equal(refusal({ port: '70000' }), '--port must be a whole number from 0 to 65535, not "70000".')
  assert.equal(
    refusal({}, { BACKTRAIL_SCAN_TIMEOUT: 'soon' }),
    'The environment variable BACKTRAIL_SCAN_TIMEOUT must be a time from 1s to 24h, such as 30 (seconds), 500ms, 5m or 1h, not "soon".',
  )
  assert.match(refusal({ host: ' ' }), /^--host must be a host name or an address, not " "/)
  for (const [name, value] of [
    ['port', '-1'],
    ['port', '1e3'],
    ['workers', '0'],
    ['workers', '2.5'],
    ['uploadLimit', '5 bananas'],
    ['uploadLimit', '10B'],
    ['logFormat', 'xml'],
  ] as const)
    assert.match(refusal({ [name]: value }), new RegExp(`^${flagOf(name)} must be`), `${name}=${value}`)
})

test('the administrator token comes from the environment only', () => {
  assert.equal(readSettings({ adminToken: 'from-a-flag' }, {}).adminToken, '')
  assert.equal(readSettings({}, { BACKTRAIL_ADMIN_TOKEN: 'abc' }).adminToken, 'abc')
  assert.match(refusal({}, { BACKTRAIL_ADMIN_TOKEN: 'a b' }), /without spaces/)
})

test('a TLS key without its certificate is refused', () => {
  assert.match(refusal({ tlsKey: 'key.pem' }), /must be given together/)
})

test('a cloud is refused unless it has an address, a user and one password', () => {
  const whole = { cloudUrl: 'https://cloud.example', cloudUser: 'ana', cloudPasswordFile: 'secret.txt' }
  assert.equal(readSettings(whole, {}).cloudUser, 'ana')
  assert.equal(
    readSettings({ cloudUrl: whole.cloudUrl, cloudUser: 'ana' }, { BACKTRAIL_CLOUD_PASSWORD: 'x y' }).cloudPassword,
    'x y',
  )
  for (const [change, sentence] of [
    [{ cloudUrl: '' }, /^--cloud-user is of no use without --cloud-url/],
    [{ cloudUrl: 'cloud.example' }, /^--cloud-url .* must be an address that starts with http/],
    [{ cloudUrl: 'https://ana:secret@cloud.example' }, /must be an address alone/],
    [{ cloudUser: '' }, /^--cloud-user must be/],
    [{ cloudUser: 'a:b' }, /^--cloud-user .* no colon/],
    [{ cloudProxy: 'socks5://proxy' }, /^--cloud-proxy .* must be/],
  ] as const) {
    const { cloudUrl, ...rest } = { ...whole, ...change }
    assert.match(refusal(cloudUrl === '' ? rest : { cloudUrl, ...rest }), sentence)
  }
  assert.match(
    refusal({ cloudUrl: whole.cloudUrl, cloudUser: 'ana' }),
    /CLOUD_PASSWORD or --cloud-password-file is needed/,
  )
  assert.match(refusal(whole, { BACKTRAIL_CLOUD_PASSWORD: 'x' }), /must not be given together/)
  assert.match(refusal({}, { BACKTRAIL_CLOUD_CONTRIBUTE: 'on' }), /^--cloud-contribute is of no use/)
})

test('a manager is refused unless it has an address and one token', () => {
  const whole = { managerUrl: 'https://manager.example', managerTokenFile: 'token.txt' }
  assert.equal(readSettings(whole, {}).managerUrl, whole.managerUrl)
  assert.equal(readSettings({ managerUrl: whole.managerUrl }, { BACKTRAIL_MANAGER_TOKEN: 'x' }).managerToken, 'x')
  for (const managerUrl of ['http://127.0.0.1:8090', 'http://localhost:8090/bt', 'http://[::1]'])
    assert.equal(readSettings({ ...whole, managerUrl }, {}).managerUrl, managerUrl)
  for (const [change, sentence] of [
    [{ managerUrl: '' }, /^--manager-token-file is of no use without --manager-url/],
    [{ managerUrl: 'manager.example' }, /^--manager-url .* must be an address that starts with http/],
    [{ managerUrl: 'http://manager.example' }, /^--manager-url .* must start with https.* in the clear/],
    [{ managerUrl: 'http://10.0.0.1:8090' }, /^--manager-url .* must start with https/],
    [{ managerUrl: 'http://localhost.example' }, /^--manager-url .* must start with https/],
    [{ managerUrl: 'https://ana:secret@manager.example' }, /must be an address alone/],
  ] as const) {
    const { managerUrl, ...rest } = { ...whole, ...change }
    assert.match(refusal(managerUrl === '' ? rest : { managerUrl, ...rest }), sentence)
  }
  assert.match(refusal({ managerUrl: whole.managerUrl }), /is needed with --manager-url/)
  assert.match(refusal({ ...whole, role: 'manager' }), /is for appliances, and --role manager is none/)
})

test('a mail server is refused unless it has an address, a sender, and a password for a user name', () => {
  const whole = {
    mailServer: 'smtp://relay@mail.example:587',
    mailPasswordFile: 'password',
    mailFrom: 'bt@here.example',
  }
  assert.equal(readSettings(whole, {}).mailServer, whole.mailServer)
  assert.equal(readSettings({ mailServer: 'smtps://mail.example', mailFrom: whole.mailFrom }, {}).mailDomains[0], '*')
  for (const [flags, problem] of [
    [{ mailFrom: whole.mailFrom }, /^The settings --mail-… are of no use without --mail-server/],
    [{ ...whole, mailServer: 'mail.example' }, /^--mail-server .* must be an address that starts with smtps/],
    [{ ...whole, mailServer: 'smtp://relay@' }, /^--mail-server .* must be/],
    [{ ...whole, mailServer: 'http://ana:secret@mail.example' }, /^--mail-server .* must be/],
    [{ ...whole, mailServer: 'smtp://relay:secret@mail.example' }, /must not have the password in it/],
    [{ ...whole, mailServer: 'smtp://mail.example' }, /must be given together/],
    [{ ...whole, mailPasswordFile: '' }, /.+/],
    [{ ...whole, mailFrom: 'Backtrail <bt@here.example>' }, /^--mail-from .* must be one e-mail address/],
    [{ ...whole, mailFrom: 'bt' }, /^--mail-from .* must be one e-mail address/],
  ] as const) {
    assert.match(refusal(flags), problem)
    assert.doesNotMatch(refusal(flags), /secret/)
  }
})

test('a database in PostgreSQL and an object store are refused one without the other, and where they are neither', () => {
  const whole = { database: 'postgres://backtrail@db.example/backtrail', store: 's3://samples/backtrail' }
  assert.equal(readSettings(whole, {}).store, whole.store)
  assert.equal(readSettings({ ...whole, storeEndpoint: 'http://127.0.0.1:7480' }, {}).storePathStyle, 'off')
  for (const [flags, problem] of [
    [{ database: whole.database }, /^--database .* needs --store/],
    [{ store: whole.store }, /^--store .* needs --database/],
    [{ storeEndpoint: 'http://s3.example' }, /^--store-endpoint is of no use without/],
    [{ storeCredentials: 'keys' }, /^--store-credentials is of no use without/],
    [{ databasePasswordFile: 'password' }, /^--database-password-file is of no use without/],
    [{ ...whole, database: 'mysql://db.example/x' }, /^--database .* must be an address that starts with postgres/],
    [{ ...whole, store: 'https://s3.example/samples' }, /^--store .* must be an address that starts with s3/],
    [{ ...whole, storeEndpoint: 's3.example' }, /^--store-endpoint .* must be an address/],
    [{ ...whole, storePathStyle: 'yes' }, /^--store-path-style must be one of on, off/],
  ] as const)
    assert.match(refusal(flags), problem)
  const secret = { ...whole, database: 'postgres://backtrail:secret@db.example/x', databasePasswordFile: 'password' }
  assert.match(refusal(secret), /must not be given together/)
  assert.doesNotMatch(refusal({ ...whole, database: 'mysql://ana:secret@db.example' }), /secret/)
})

test('an identity provider is refused unless it has an address, a client, and a role for somebody', () => {
  const whole = { oidcIssuer: 'https://login.example/realms/soc', oidcClientId: 'backtrail', oidcDefaultRole: 'user' }
  assert.equal(readSettings(whole, {}).oidcDefaultRole, 'user')
  const { oidcRoles } = readSettings({ ...whole, oidcRoles: 'a b=user; cn=x,ou=y = Administrator ;' }, {})
  assert.deepEqual(oidcRoles, [
    { word: 'a b', value: 'user' },
    { word: 'cn=x,ou=y', value: 'administrator' },
  ])
  for (const issuer of ['http://127.0.0.1:9000', 'http://localhost', 'http://[::1]:80/x'])
    assert.equal(readSettings({ ...whole, oidcIssuer: issuer }, {}).oidcIssuer, issuer)
  for (const [flags, problem] of [
    [{ ...whole, oidcIssuer: 'http://login.example' }, /--oidc-issuer .*must be an address that starts with https/],
    [{ ...whole, oidcIssuer: 'login.example' }, /--oidc-issuer/],
    [{ ...whole, oidcIssuer: 'https://login.example/?x' }, /--oidc-issuer/],
    [{ oidcClientId: 'backtrail' }, /are of no use without --oidc-issuer/],
    [{ ...whole, oidcClientId: '' }, /--oidc-client-id/],
    [{ oidcIssuer: whole.oidcIssuer, oidcDefaultRole: 'user' }, /--oidc-client-id .*is needed/],
    [{ ...whole, oidcDefaultRole: 'none' }, /nobody could log in/],
    [{ ...whole, oidcScopes: 'profile' }, /openid among them/],
    [{ ...whole, oidcRoles: 'hunters=king' }, /--oidc-roles must be group=role/],
    [{ ...whole, oidcRoles: '=user' }, /--oidc-roles/],
  ] as const)
    assert.throws(() => readSettings(flags, {}), problem)
})

test('a server address needs http or https and a token', () => {
  const at = (server: string, token = 't') => readClientSettings({ server, token }, {})
  assert.deepEqual(at('https://hunt.example'), { server: 'https://hunt.example', token: 't' })
  assert.throws(() => at('ftp://hunt.example'), /must be an address that starts with http/)
  assert.throws(() => readClientSettings({ server: 'http://hunt.example' }, {}), /--token .* is needed/)
  assert.deepEqual(readClientSettings({}, {}), { server: '', token: '' })
  const saved = (server: string) => (server === 'http://known.example' ? 'saved' : null)
  assert.equal(readClientSettings({ server: 'http://known.example' }, {}, saved).token, 'saved')
  assert.equal(readClientSettings({ server: 'http://known.example', token: 'given' }, {}, saved).token, 'given')
  assert.throws(() => readClientSettings({ server: 'http://hunt.example' }, {}, saved), /backtrail login --server/)
})

test('every value prints in a form that reads back as the same value', () => {
  let compared = 0
  for (const option of Object.values({ ...options, ...clientOptions })) {
    const printed = option.kind.print(option.default as never)
    if (printed === '') continue
    assert.deepEqual(option.kind.parse(printed), option.default)
    compared += 1
  }
  assert.ok(compared >= 20)
})

test('no two options share a flag or a variable', () => {
  const all = Object.entries({ ...options, ...clientOptions })
  assert.equal(new Set(all.map(([name]) => flagOf(name))).size, all.length)
  assert.equal(new Set(all.map(([name, option]) => variableOf(name, option))).size, all.length)
})

test('docs/configuration.md is what the options say; `npm run reference` writes it anew', () => {
  assert.equal(readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8'), renderReference())
})
