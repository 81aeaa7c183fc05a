/** Log-ins with a directory (LDAP): who gets in, with which role, and what strangers type into filters and names. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { readSettings } from '../../src/settings/index.ts'
import { DirectoryServer, noDirectory, READER, SUFFIX } from './directory-server.ts'
import { type Answer, passwords, TestServer } from './harness.ts'

const members = { hunters: ['greta', 'hank', 'ana', 'admin'], leads: ['hank'] }
/** `memberOf` is what the overlay would keep up to date; entries that are loaded offline bring it along. */
const groupsOf = (uid: string) =>
  Object.entries(members).flatMap(([name, uids]) =>
    uids.includes(uid) ? [`memberOf: cn=${name},ou=groups,${SUFFIX}\n`] : [],
  )

const person = (uid: string, password: string, more = '') => `dn: uid=${uid},ou=people,${SUFFIX}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
userPassword: ${password}
${more}${groupsOf(uid).join('')}
`
const group = (name: string, ...members: string[]) => `dn: cn=${name},ou=groups,${SUFFIX}
objectClass: groupOfNames
cn: ${name}
${members.map((uid) => `member: uid=${uid},ou=people,${SUFFIX}\n`).join('')}
`
const unit = (name: string) => `dn: ou=${name},${SUFFIX}\nobjectClass: organizationalUnit\nou: ${name}\n\n`

const entries = `dn: ${SUFFIX}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ${READER.dn}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ${READER.password}

${unit('people')}${unit('groups')}${[
  person('greta', 'the password of greta', 'employeeType: double\n'),
  person('hank', 'the password of hank', 'employeeType: double\n'),
  person('ina', 'the password of ina'),
  person('olga', 'the password of olga'),
  person('admin', 'not the administrator here'),
  person('ana', 'another ana of the directory'),
].join('\n')}
${group('hunters', ...members.hunters)}
${group('leads', ...members.leads)}
`

let directory: DirectoryServer
let server: TestServer

const settingsOf = (flags: Readonly<Record<string, string>>) => {
  const all = readSettings(flags, {})
  const ldap = Object.entries(all).filter(([name]) => name.startsWith('ldap'))
  return { ...Object.fromEntries(ldap), loginLimit: 10_000 }
}
const searching = () => ({
  ldapUrl: directory.secure,
  ldapCa: directory.ca,
  ldapBindDn: READER.dn,
  ldapBindPasswordFile: directory.file('reader', `${READER.password}\n`),
  ldapBase: `ou=people,${SUFFIX}`,
  ldapRoles: `hunters=user; cn=Leads, ou=groups, ${SUFFIX}=administrator`,
})

before(async () => {
  if (noDirectory) return
  directory = await DirectoryServer.start(entries)
  server = await TestServer.start(settingsOf(searching()))
})
after(async () => {
  await server?.stop()
  await directory?.stop()
})

const skip = noDirectory
const logIn = (username: string, password: string, at = server): Promise<Answer> =>
  at.post('/api-token-auth/', { as: null, json: { username, password } })
const errorOf = async (username: string, password: string, at = server): Promise<string> =>
  (await logIn(username, password, at)).json.error ?? ''
const roleOf = async (name: string, at = server): Promise<string | undefined> =>
  (await at.get('/api/users/')).json.results.find((user: { name: string }) => user.name === name)?.role

/** Another server over other settings, which ends with the test. */
async function over(t: { after(end: () => Promise<void>): void }, flags: Readonly<Record<string, string>>) {
  const other = await TestServer.start(settingsOf(flags))
  t.after(() => other.stop())
  return other
}

test('a user of the directory is added at the first log-in, with the role of the strongest group', {
  skip,
}, async () => {
  assert.equal(await roleOf('greta'), undefined)
  const { status, json } = await logIn('greta', 'the password of greta')
  assert.equal(status, 200)
  const me = await server.get('/api/users/me/', { as: null, headers: { authorization: `Token ${json.token}` } })
  assert.deepEqual(me.json, { name: 'greta', role: 'user' })
  assert.equal((await logIn('hank', 'the password of hank')).status, 200)
  assert.equal(await roleOf('hank'), 'administrator')
  const session = await server.post('/api/session/', {
    as: null,
    headers: { 'x-backtrail-page': '1' },
    json: { username: 'greta', password: 'the password of greta' },
  })
  assert.deepEqual([session.status, session.json.user], [200, { name: 'greta', role: 'user' }])
})

test('wrong passwords, empty ones, and users in no group are refused', { skip }, async () => {
  assert.equal(await errorOf('greta', 'not it'), 'login.refused')
  assert.equal(await errorOf('nobody', 'not it'), 'login.refused')
  // A bind without a password succeeds in many directories, and is no log-in.
  assert.equal(await errorOf('greta', ''), 'login.refused')
  assert.equal(await errorOf('ina', 'the password of ina'), 'sign-on.no-role')
  assert.equal(await roleOf('ina'), undefined)
})

test('a name that has a password here is never held against the directory', { skip }, async () => {
  assert.equal(await errorOf('ana', 'another ana of the directory'), 'login.refused')
  assert.equal(await errorOf('admin', 'not the administrator here'), 'login.refused')
  assert.equal((await logIn('ana', passwords.ana)).status, 200)
})

test('a user of the directory is disabled here, and enabled again', { skip }, async () => {
  const token = (await logIn('greta', 'the password of greta')).json.token
  await server.post('/api/users/greta/disabled/', { json: { disabled: true } })
  assert.equal(await errorOf('greta', 'the password of greta'), 'sign-on.disabled')
  const headers = { authorization: `Token ${token}` }
  assert.equal((await server.get('/api/users/me/', { as: null, headers })).status, 403)
  await server.post('/api/users/greta/disabled/', { json: { disabled: false } })
  assert.equal((await logIn('greta', 'the password of greta')).status, 200)
})

test('capital letters are no further attempts at a password', { skip }, async () => {
  const { credentials } = server.appliance.accounts
  const tried: string[] = []
  for (const [at, name] of ['olga', 'Olga', 'oLga', 'olGa', 'olgA', 'OLga', 'OLGA'].entries()) {
    const answer = credentials.logIn(name, 'not it', `198.51.100.${at}`)
    tried.push(
      await answer.then(
        () => 'in',
        ({ code }) => code,
      ),
    )
  }
  assert.deepEqual([tried[0], tried.at(-1)], ['login.refused', 'login.throttled'])
})

test('what strangers type is no filter and no name of the directory', { skip }, async (t) => {
  const template = await over(t, { ...templated() })
  const hostile = [
    ...[
      '*',
      'gret*',
      'gre\u00adta',
      '\uff47reta',
      'greta)(uid=*',
      '*)(|(uid=*',
      'greta)(!(uid=x))',
      '\\67reta',
      'greta\\',
      '(greta)',
    ],
    ...[
      'greta,ou=people',
      'greta+cn=greta',
      'greta,',
      '"greta"',
      '#greta',
      ' greta',
      'greta ',
      'greta\u0000',
      '\u0000',
    ],
    ...['hank\\2cou=people', '<greta>', 'greta;x', 'greta=x', 'x'.repeat(5_000), 'ä'.repeat(200)],
  ]
  // Many failures from one address make it wait, whatever the names are.
  for (const [place, one] of [
    ['search', server],
    ['template', template],
  ] as const) {
    const { credentials } = one.appliance.accounts
    for (const [at, name] of hostile.entries()) {
      const tried = credentials.logIn(name, 'the password of greta', `192.0.2.${at}`)
      await assert.rejects(tried, { code: 'login.refused' }, `${place}: ${JSON.stringify(name.slice(0, 40))}`)
    }
  }
})

const templated = () => ({
  ldapUrl: directory.plain,
  ldapCa: directory.ca,
  ldapUserDn: `uid={name},ou=people,${SUFFIX}`,
  ldapRoles: 'hunters=user',
  ldapDefaultRole: 'read-only',
})

test('with StartTLS and a template users bind as themselves, and whoever is in no group gets the role of the rest', {
  skip,
}, async (t) => {
  const other = await over(t, templated())
  assert.equal((await logIn('greta', 'the password of greta', other)).status, 200)
  assert.equal(await errorOf('greta', 'not it', other), 'login.refused')
  assert.equal((await logIn('olga', 'the password of olga', other)).status, 200)
  assert.deepEqual([await roleOf('greta', other), await roleOf('olga', other)], ['user', 'read-only'])
})

test('groups are searched for where users do not name them, and an ambiguous filter finds nobody', {
  skip,
}, async (t) => {
  const groups = { ldapGroupBase: `ou=groups,${SUFFIX}`, ldapGroupFilter: '(&(objectClass=groupOfNames)(member={dn}))' }
  const other = await over(t, { ...searching(), ...groups, ldapFilter: '(|(uid={name})(employeeType={name}))' })
  assert.equal((await logIn('hank', 'the password of hank', other)).status, 200)
  assert.equal(await roleOf('hank', other), 'administrator')
  assert.equal(await errorOf('double', 'the password of hank', other), 'login.refused')
})

test('a directory with a certificate of nobody known is not asked', { skip }, async (t) => {
  for (const flags of [searching(), templated()]) {
    const { ldapCa: _, ...without } = flags
    const other = await over(t, without)
    const { status, json } = await logIn('greta', 'the password of greta', other)
    assert.deepEqual([status, json.error], [503, 'sign-on.unavailable'])
  }
})

test('while the directory is away or does not answer, log-ins end with a sentence, and passwords of this server work', {
  skip,
}, async (t) => {
  await directory.pause()
  t.after(() => directory.resume())
  assert.equal(await errorOf('hank', 'the password of hank'), 'sign-on.unavailable')
  assert.equal((await logIn('ana', passwords.ana)).status, 200)
  const silent = createServer().listen(0, 'localhost')
  await new Promise((resolve) => silent.once('listening', resolve))
  t.after(async () => {
    silent.close()
  })
  const { port } = silent.address() as { port: number }
  for (const flags of [searching(), templated()]) {
    const url = `${flags.ldapUrl.split(':', 1)[0]}://localhost:${port}`
    const other = await over(t, { ...flags, ldapUrl: url, ldapTimeout: '500ms' })
    assert.equal(await errorOf('greta', 'the password of greta', other), 'sign-on.unavailable')
  }
})

test('settings that would send passwords in the clear, or let nobody in, are refused', () => {
  const whole = { ldapUrl: 'ldaps://ldap.example', ldapBase: 'dc=example', ldapDefaultRole: 'user' }
  readSettings(whole, {})
  for (const [flags, message] of [
    [{ ...whole, ldapUrl: 'ldap://ldap.example', ldapStartTls: 'off' }, /in the clear/],
    [{ ...whole, ldapUrl: 'https://ldap.example' }, /ldaps:\/\//],
    [{ ...whole, ldapFilter: '(uid=greta)' }, /place of the user/],
    [{ ...whole, ldapUserDn: 'uid={name},dc=example' }, /One of --ldap-user-dn and --ldap-base/],
    [{ ...whole, ldapDefaultRole: 'none' }, /nobody could log in/],
    [{ ...whole, ldapBindDn: 'cn=reader' }, /given together/],
    [{ ldapBase: 'dc=example' }, /of no use without --ldap-url/],
  ] as const)
    assert.throws(() => readSettings(flags, {}), { code: 'settings.invalid', message })
})
