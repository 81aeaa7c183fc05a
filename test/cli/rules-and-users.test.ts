import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { rows } from '../faults/data-folder.ts'
import { backtrail, backtrailTo, folderWith, places, startServer } from './running.ts'

for (const [where, open] of Object.entries(places)) {
  test(`rule files become rulesets ${where}`, async (t) => {
    const folder = folderWith(t, {
      'rules/trail.yar': 'rule trail { condition: true }',
      'rules/deep/wolf.yara': 'rule wolf { condition: false }',
      'rules/readme.txt': 'not YARA',
      'bad.yar': 'rule bad { condition: $x }',
    })
    const at = await open(t, folder)
    const first = await backtrailTo(0, ['rules', 'import', join(folder, 'rules'), '--json', ...at])
    assert.deepEqual(
      first.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { path: join(folder, 'rules/deep/wolf.yara'), ruleset: 'wolf', revision: 1, created: true, runs: true },
        { path: join(folder, 'rules/trail.yar'), ruleset: 'trail', revision: 1, created: true, runs: true },
      ],
    )
    assert.equal(first.stderr, '2 rulesets saved\n')
    const again = await backtrailTo(0, ['rules', 'import', join(folder, 'rules/trail.yar'), '--json', ...at])
    const { revision, created } = JSON.parse(again.stdout)
    assert.deepEqual({ revision, created }, { revision: 1, created: false })
    const bad = await backtrailTo(2, ['rules', 'import', join(folder, 'bad.yar'), ...at])
    assert.match(bad.stderr, /bad\.yar:1:\d+: .+\n1 ruleset saved, 1 of them not running because of errors\n$/)
    const none = await backtrailTo(1, ['rules', 'import', join(folder, 'gone.yar'), ...at])
    assert.match(none.stderr, /gone\.yar: no such file or directory\n0 rulesets saved, 1 path not imported\n$/)
  })

  test(`users are added, listed, given tokens and removed ${where}`, async (t) => {
    const folder = folderWith(t)
    const at = await open(t, folder)
    const made = await backtrailTo(0, ['users', 'add', 'ada', ...at])
    assert.match(made.stdout, /^\S{16,}\n$/)
    await backtrailTo(0, ['users', 'add', 'grace', '--administrator', '--password-stdin', ...at], {
      input: 'a long secret\n',
    })
    const taken = await backtrailTo(1, ['users', 'add', 'ada', ...at])
    assert.match(taken.stderr, /already a user/i)

    const listed = await backtrailTo(0, ['users', 'list', '--json', ...at])
    assert.deepEqual(
      listed.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ name, role }) => [name, role]),
      [
        ['ada', 'user'],
        ['admin', 'administrator'],
        ['grace', 'administrator'],
      ],
    )
    assert.match(
      (await backtrailTo(0, ['users', 'list', ...at])).stdout,
      /^name +role +created +last used\nada +user +\d{4}-\S+ +never\n/,
    )

    const { stdout: token } = await backtrailTo(0, ['users', 'token', 'ada', '--label', 'scripts', ...at])
    assert.match(token, /^\S{20,}\n$/)
    const tokens = (await backtrailTo(0, ['users', 'token', 'ada', '--list', ...at])).stdout
    const bounds = ['--days', '30', '--scope', 'read, uploadSample', '--label', 'uploader']
    const [, id = ''] =
      /^id +label +created +last used +ends +for +made by\n(\d+) +scripts +\S+ +never +never +everything(?: +admin)? *\n$/.exec(
        tokens,
      ) ?? assert.fail(tokens)
    assert.ok(!tokens.includes(token.trim()))
    await backtrailTo(0, ['users', 'token', 'ada', '--revoke', id, ...at])
    await backtrailTo(0, ['users', 'token', 'ada', ...bounds, ...at])
    const bounded = (await backtrailTo(0, ['users', 'token', 'ada', '--list', ...at])).stdout
    const [, last = ''] =
      /^(\d+) +uploader +\S+ +never +\d{4}-\S+Z +read, uploadSample/m.exec(bounded) ?? assert.fail(bounded)
    assert.match((await backtrailTo(3, ['users', 'token', 'ada', '--days', '0.5', ...at])).stderr, /--days must be/)
    await backtrailTo(0, ['users', 'token', 'ada', '--revoke', last, ...at])
    assert.equal((await backtrailTo(0, ['users', 'token', 'ada', '--list', ...at])).stdout.split('\n').length, 2)
    assert.match((await backtrailTo(1, ['users', 'token', 'ada', '--revoke', id, ...at])).stderr, /no such token/i)

    assert.match((await backtrailTo(0, ['users', 'password', 'ada', ...at])).stdout, /^\S{16,}\n$/)
    await backtrailTo(0, ['users', 'role', 'ada', 'administrator', ...at])
    assert.match((await backtrailTo(0, ['users', 'list', ...at])).stdout, /^ada +administrator /m)
    await backtrailTo(3, ['users', 'role', 'ada', 'emperor', ...at])
    await backtrailTo(0, ['users', 'disable', 'ada', ...at])
    assert.match((await backtrailTo(0, ['users', 'list', ...at])).stdout, /^ada +administrator, disabled /m)
    assert.match(
      (await backtrailTo(0, ['users', 'list', '--json', ...at])).stdout,
      /"ada".*"disabled":true,"last_used":null/,
    )
    await backtrailTo(0, ['users', 'enable', 'ada', ...at])
    assert.match((await backtrailTo(0, ['users', 'list', '--json', ...at])).stdout, /"ada".*"disabled":false/)
    await backtrailTo(0, ['users', 'remove', 'ada', ...at])
    assert.match((await backtrailTo(1, ['users', 'remove', 'ada', ...at])).stderr, /no user/i)
  })
}

test('core rulesets are imported on the data folder, and through a server', async (t) => {
  const folder = folderWith(t, { 'core.yar': 'rule core { condition: true }' })
  const data = ['--data', join(folder, 'data')]
  await backtrailTo(0, ['rules', 'import', join(folder, 'core.yar'), '--core', ...data])
  const env = { BACKTRAIL_ADMIN_TOKEN: 'token' }
  const server = await startServer(t, data, { env })
  const listed = await fetch(`${server.url}/api/yara/v2/rulesets/?type=system`, {
    headers: { authorization: 'Token token' },
  })
  const { results } = (await listed.json()) as { results: { name: string; system_ruleset: boolean }[] }
  assert.deepEqual(
    results.map(({ name, system_ruleset }) => [name, system_ruleset]),
    [['core', true]],
  )
  const through = { env: { BACKTRAIL_URL: server.url, BACKTRAIL_TOKEN: 'token' } }
  const again = await backtrailTo(0, ['rules', 'import', join(folder, 'core.yar'), '--core', '--json'], through)
  assert.deepEqual(JSON.parse(again.stdout), {
    path: join(folder, 'core.yar'),
    ...{ ruleset: 'core', revision: 1, created: false, runs: true },
  })
  assert.equal(await server.stop(), 0)
})

test('what a command changes on the data folder is put down in its audit log', async (t) => {
  const folder = folderWith(t, { 'one.yar': 'rule one { condition: true }' })
  const data = join(folder, 'data')
  const at = ['--data', data]
  await backtrailTo(0, ['users', 'add', 'ada', ...at])
  await backtrailTo(0, ['users', 'token', 'ada', '--scope', 'read', ...at])
  await backtrailTo(0, ['rules', 'import', join(folder, 'one.yar'), ...at])
  await backtrailTo(0, ['users', 'remove', 'ada', ...at])
  await backtrailTo(1, ['users', 'remove', 'ada', ...at])
  assert.deepEqual(rows(data, 'SELECT user, operation, subjects, address FROM audit_entries ORDER BY id'), [
    { user: 'admin', operation: 'addUser', subjects: '["ada","user"]', address: 'command line' },
    {
      user: 'admin',
      operation: 'createToken',
      subjects: '["ada","made on the command line","read"]',
      address: 'command line',
    },
    { user: 'admin', operation: 'saveRuleset', subjects: '["one"]', address: 'command line' },
    { user: 'admin', operation: 'removeUser', subjects: '["ada"]', address: 'command line' },
  ])
})

test('a wrong token and a server that is not there are told', async (t) => {
  const folder = folderWith(t)
  const server = await startServer(t, ['--data', join(folder, 'data')])
  const wrong = await backtrailTo(1, ['users', 'list', '--server', server.url, '--token', 'wrong'])
  const hint = 'Give one with --token or BACKTRAIL_TOKEN, or log in with backtrail login.'
  assert.equal(wrong.stderr, `backtrail: ${server.url}: Invalid token. ${hint}\n`)
  assert.equal(await server.stop(), 0)
  const gone = await backtrail(['users', 'list', '--server', server.url, '--token', 'wrong'])
  assert.deepEqual(gone, {
    code: 1,
    stdout: '',
    stderr: `backtrail: The server at ${server.url} cannot be reached: nothing listens there.\n`,
  })
})

for (const [where, open] of Object.entries(places)) {
  test(`tenants are added, shown with whether they contribute, and have neither tokens nor another role ${where}`, async (t) => {
    const at = await open(t, folderWith(t))
    assert.match((await backtrailTo(0, ['users', 'add', 'acme', '--role', 'tenant', ...at])).stdout, /^\S{16,}\n$/)
    await backtrailTo(0, ['users', 'add', 'donor', '--role', 'tenant', '--contribute', ...at])
    const { stdout } = await backtrailTo(0, ['users', 'list', ...at])
    assert.match(stdout, /^acme +tenant +\d{4}-/m)
    assert.match(stdout, /^donor +tenant, contributes +\d{4}-/m)
    assert.match((await backtrailTo(0, ['users', 'list', '--json', ...at])).stdout, /"donor".*"contributes":true/)
    assert.match((await backtrailTo(1, ['users', 'token', 'acme', ...at])).stderr, /tenant has no tokens/)
    await backtrailTo(1, ['users', 'role', 'acme', 'administrator', ...at])
    const refused = await backtrailTo(1, ['users', 'add', 'ada', '--contribute', ...at])
    assert.match(refused.stderr, /only a tenant/i)
    await backtrailTo(3, ['users', 'add', 'ada', '--role', 'tenant', '--administrator', ...at])
    await backtrailTo(0, ['users', 'remove', 'acme', ...at])
  })
}

for (const [where, open] of Object.entries(places)) {
  test(`retention is off until it is turned on, is previewed, and deletes what it says ${where}`, async (t) => {
    const folder = folderWith(t, { 'in/a': 'a'.repeat(500), 'in/b': 'b'.repeat(500), 'in/c': 'c'.repeat(500) })
    const at = await open(t, folder)
    for (const name of ['a', 'b', 'c']) await backtrailTo(0, ['ingest', join(folder, 'in', name), ...at])
    assert.match((await backtrailTo(1, ['retention', 'run', ...at])).stderr, /turn retention on first/)
    const rules = ['--rule', '90', '--rule', '30:tag:feed AND size:>1MB']
    const set = await backtrailTo(0, ['retention', 'set', ...rules, '--most', '1.2KB', '--keep', 'tag:keep', ...at])
    assert.equal(
      set.stdout,
      `retention is off
90 days after they were last seen: all samples
30 days after they were last seen: tag:feed AND size:>1MB
above 1.2 KB: those that were seen longest ago
always stay: tag:keep
samples with matches stay
`,
    )
    for (const [one, other] of [
      [['--on'], '--off'],
      [['--rule', '90'], '--no-rules'],
      [['--delete-matched'], '--keep-matched'],
    ] as const) {
      const { stderr } = await backtrailTo(3, ['retention', 'set', ...one, other, ...at])
      assert.ok(stderr.includes(`${one[0]} and ${other} exclude each other`), stderr)
    }
    for (const wrong of [['--rule', 'x'], ['--most', '7 bananas'], ['--most', '0'], []])
      await backtrailTo(3, ['retention', 'set', ...wrong, ...at])
    assert.match((await backtrailTo(1, ['retention', 'set', '--keep', 'tag:(', ...at])).stderr, /cannot be understood/)
    const preview = await backtrailTo(0, ['retention', 'preview', ...at])
    assert.match(
      preview.stdout,
      /^1 sample with 500 bytes would be deleted\nlast seen +size +SHA-256 +name\n\S+ +500 bytes +\w{64} +a\n$/,
    )
    await backtrailTo(0, ['retention', 'set', '--on', ...at])
    assert.equal((await backtrailTo(0, ['retention', 'run', ...at])).stdout, '1 sample with 500 bytes deleted\n')
    const shown = JSON.parse((await backtrailTo(0, ['retention', 'show', '--json', ...at])).stdout)
    assert.deepEqual([shown.enabled, shown.max_bytes, shown.keep_matched], [true, 1_229, true])
    await backtrailTo(0, ['retention', 'set', '--off', '--no-rules', '--most', 'none', ...at])
  })
}

test('through a server, one\u2019s own password is changed with the current one', async (t) => {
  const folder = folderWith(t, { right: 'the first password\n', wrong: 'not the password\n' })
  const server = await startServer(t, ['--data', join(folder, 'data')], { env: { BACKTRAIL_ADMIN_TOKEN: 'a-token' } })
  const asAdmin = ['--server', server.url, '--token', 'a-token']
  await backtrailTo(0, ['users', 'add', 'ada', '--password-stdin', ...asAdmin], { input: 'the first password\n' })
  const { stdout: token } = await backtrailTo(0, ['users', 'token', 'ada', ...asAdmin])
  const own = ['users', 'password', 'ada', '--password-stdin', '--server', server.url, '--token', token.trim()]
  const input = 'the second password\n'
  assert.match((await backtrailTo(1, own, { input })).stderr, /current password is missing or wrong/)
  const wrong = [...own, '--current-password-file', join(folder, 'wrong')]
  assert.match((await backtrailTo(1, wrong, { input })).stderr, /current password is missing or wrong/)
  const nowhere = [...own, '--current-password-file', join(folder, 'nowhere')]
  assert.match((await backtrailTo(3, nowhere, { input })).stderr, /nowhere, which should have the current password/)
  await backtrailTo(0, [...own, '--current-password-file', join(folder, 'right')], { input })
  assert.match((await backtrailTo(0, ['users', 'password', 'ada', ...asAdmin])).stdout, /^\S{16,}\n$/)
})
