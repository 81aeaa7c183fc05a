/** The overview and the administration in the browser. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

const rootPassword = 'the root of all administration'

async function openAsAdministrator(address: string): Promise<Page> {
  const { accounts } = web.server.appliance
  const users = await accounts.users.list()
  if (!users.some(({ name }) => name === 'root')) {
    await accounts.users.add({ name: 'root', password: rootPassword, role: 'administrator' })
  }
  const { secret } = await accounts.credentials.logInSession('root', rootPassword, '127.0.0.1')
  return web.openWith(secret, address)
}

test('an empty appliance says what to do first', { skip }, async () => {
  const page = await web.open('/')
  await page.getByText('Nothing is here yet').waitFor()
  await page.getByText('Matches recorded').first().waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('link', { name: 'Upload samples' }).click()
  await page.getByText('There are no samples yet').waitFor()
  await page.context().close()
})

test('the overview counts what is there, over time and by classification, and follows by itself', {
  skip,
}, async () => {
  await web.server.saveRuleset('notes', 'rule Note { strings: $a = "a note" condition: $a }', 'ana')
  const sha1 = await web.server.upload('a note', 'first.txt')
  await web.server.upload('something else', 'second.txt')
  await web.server.post(`/api/samples/${sha1}/setclassification/local/`, { json: { classification: 'malicious' } })
  const page = await web.open('/?span=day')
  const tile = (name: string) => page.locator('dl > div', { has: page.getByText(name, { exact: true }) }).first()
  await tile('Samples').getByText('2', { exact: true }).waitFor()
  await tile('Matches').getByText('1', { exact: true }).waitFor()
  await page.getByRole('img', { name: 'Samples first seen in the last day: 2 samples in all' }).waitFor()
  await page.getByRole('listitem').filter({ hasText: 'malicious' }).getByText('50 %').waitFor()
  await page.getByRole('region', { name: 'Latest matches' }).getByText('first.txt').waitFor()

  const today = page.getByRole('region', { name: 'Matched today' })
  assert.equal(await page.getByRole('heading', { level: 2 }).first().textContent(), 'Matched today')
  await today.getByRole('link', { name: /^Note\s*1 match$/ }).click()
  await page.getByRole('heading', { name: 'Matches', exact: true }).waitFor()
  const day = new URL(page.url()).searchParams.get('from')
  assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), {
    from: day,
    exact_rule: 'Note',
    ruleset: 'notes',
  })
  await page.getByRole('row').filter({ hasText: 'first.txt' }).waitFor()
  await page.goBack()

  // The last column is the hour, and its day, that it is now.
  const bars = page.getByRole('img', { name: /^Matches recorded in the last day/ }).locator('.u-over')
  const { width, height } = (await bars.boundingBox()) ?? { width: 0, height: 0 }
  await bars.click({ position: { x: width - 4, y: height - 4 } })
  await page.getByRole('heading', { name: 'Matches', exact: true }).waitFor()
  assert.match(page.url(), /\/matches\?from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d$/)
  await page.getByRole('row').filter({ hasText: 'first.txt' }).waitFor()
  await page.goBack()

  await web.server.upload('a third one', 'third.txt')
  await tile('Samples').getByText('3', { exact: true }).waitFor()
  await page.getByRole('button', { name: /^The last/ }).click()
  await page.getByRole('option', { name: 'year' }).click()
  await page.getByRole('img', { name: /^Samples first seen in the last year/ }).waitFor()
  assert.match(page.url(), /\?span=year$/)
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('link', { name: 'malicious' }).click()
  await page.getByText('1 sample shown').waitFor()
  await page.context().close()
})

test('a look that fails takes nothing away that the overview shows', { skip }, async () => {
  const page = await web.open('/')
  await page.clock.install()
  await page.reload()
  await page.getByRole('region', { name: 'Matched today' }).waitFor()
  await page.route('**/api/overview/', (route) => route.fulfill({ status: 404, json: {} }))
  for (let look = 0; look < 2; look++) {
    const failed = page.waitForResponse('**/api/overview/')
    await page.clock.fastForward(5_000)
    await failed
  }
  assert.ok(await page.getByRole('region', { name: 'Matched today' }).isVisible())
  await page.context().close()
})

test('a token is shown once, works, and is refused when it was revoked', { skip }, async () => {
  const page = await web.open('/administration')
  await page.getByRole('button', { name: 'Make a token' }).click()
  await page.getByRole('dialog').getByLabel('What it is for').fill('the night script')
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click()
  const token = (await page.getByRole('dialog').locator('code').textContent()) ?? ''
  assert.deepEqual(await accessibilityProblems(page), [])
  const asToken = () => web.server.get('/api/users/me/', { as: null, headers: { authorization: `Token ${token}` } })
  assert.equal((await asToken()).json.name, 'ana')
  await page.getByRole('button', { name: 'I have copied it' }).click()
  assert.equal(await page.getByText(token).count(), 0)
  await page.getByRole('button', { name: 'Revoke the night script' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('The token is revoked.').waitFor()
  assert.equal((await asToken()).status, 403)

  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'Make a token' }).click()
  await dialog.getByLabel('What it is for').fill('the mail gateway')
  await dialog.getByRole('button', { name: /^It may/ }).click()
  await page.getByRole('option', { name: 'only upload samples' }).click()
  await dialog.getByRole('button', { name: /^It ends/ }).click()
  await page.getByRole('option', { name: 'after 30 days' }).click()
  assert.deepEqual(await accessibilityProblems(page), [])
  await dialog.getByRole('button', { name: 'Make it' }).click()
  const bounded = (await dialog.locator('code').textContent()) ?? ''
  const headers = { authorization: `Token ${bounded}` }
  assert.equal((await web.server.get('/api/samples/', { as: null, headers })).json.error, 'token.scope')
  await page.getByRole('button', { name: 'I have copied it' }).click()
  await page.getByRole('row', { name: /^the mail gateway uploads/ }).waitFor()
  await page.context().close()
})

test('an administrator adds a user, who can log in, and removes it again', { skip }, async () => {
  const page = await openAsAdministrator('/administration?part=users')
  await page.getByRole('button', { name: 'Add a user' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('cleo')
  await dialog.getByLabel('Password').fill('short')
  await dialog.getByRole('button', { name: 'Add' }).click()
  await dialog.getByText('A password has 8 to 1,024 characters.').waitFor()
  await dialog.getByLabel('Password').fill('cleo and her password')
  await dialog.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('rowheader', { name: 'cleo' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  const logIn = () =>
    web.server.post('/api-token-auth/', { as: null, json: { username: 'cleo', password: 'cleo and her password' } })
  const lastLogIn = (user: RegExp) => page.getByRole('row', { name: user }).locator('[data-title="Last log-in"]')
  assert.equal(await lastLogIn(/^cleo/).textContent(), 'never')
  assert.notEqual(await lastLogIn(/^root/).textContent(), 'never')
  assert.equal((await logIn()).status, 200)
  await page.getByRole('button', { name: 'Role of cleo' }).click()
  await dialog.getByRole('radio', { name: 'administrator' }).check()
  assert.deepEqual(await accessibilityProblems(page), [])
  await dialog.getByRole('button', { name: 'Change it' }).click()
  await page.getByText('cleo is an administrator now.').waitFor()
  await page.getByRole('row', { name: /^cleo administrator/ }).waitFor()
  await page.getByRole('button', { name: 'Disable cleo' }).click()
  await dialog.getByRole('button', { name: 'Disable' }).click()
  await page.getByText('cleo is refused from now on.').waitFor()
  await page.getByRole('row', { name: /^cleo administrator, disabled/ }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  assert.equal((await logIn()).status, 400)
  await page.getByRole('button', { name: 'Enable cleo' }).click()
  await dialog.getByRole('button', { name: 'Enable' }).click()
  await page.getByText('cleo can log in again.').waitFor()
  assert.equal((await logIn()).status, 200)
  await page.getByRole('button', { name: 'Remove cleo' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await page.getByText('cleo can no longer log in.').waitFor()
  assert.equal((await logIn()).status, 400)
  await page.context().close()
})

test('an administrator reads the audit log, and finds what was done to one user', { skip }, async () => {
  await web.server.post('/api/users/', { json: { name: 'dora', password: 'dora and her password', role: 'user' } })
  await web.server.post('/api/users/dora/role/', { json: { role: 'administrator' } })
  await web.server.delete('/api/users/dora/')
  const page = await openAsAdministrator('/administration')
  await page.getByRole('tab', { name: 'Audit log' }).click()
  await page.getByRole('row', { name: /admin removeUser dora done/ }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByLabel('Search what it was about').fill('dora')
  await page.getByText('3 entries shown, that is all').waitFor()
  await page.getByRole('row', { name: /admin setUserRole dora, administrator done/ }).waitFor()
  const file = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export' }).click()
  assert.equal((await file).suggestedFilename(), 'audit.csv')
  await page.context().close()

  const ana = await web.open('/administration')
  await ana.getByRole('tab', { name: 'Health' }).waitFor()
  assert.equal(await ana.getByRole('tab', { name: 'Audit log' }).count(), 0)
  await ana.context().close()
})

test('an administrator sees what retention would delete before turning it on', { skip }, async () => {
  await web.server.upload('of a feed that nobody needs for long', 'feed.bin')
  const page = await openAsAdministrator('/administration?part=retention')
  await page.getByRole('button', { name: 'Add a rule' }).click()
  await page.getByLabel('Days after it was last seen').fill('x')
  await page.getByText('A whole number of days, from 1 on.').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Save' }).isDisabled(), true)
  await page.getByLabel('Days after it was last seen').fill('30')
  await page.getByLabel('Which samples').fill('filename:feed.bin')
  await page.getByLabel('At most').fill('1 B')
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByText(/\d samples? with .* would be deleted/).waitFor()
  await page.getByRole('link', { name: 'feed.bin' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByLabel('At most').fill('')
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click()
  await page.getByText('Retention is on.').waitFor()
  await page.getByRole('button', { name: 'Delete now' }).click()
  await page.getByText('0 samples with 0 bytes deleted').waitFor()
  await page.getByRole('button', { name: 'Turn off' }).click()
  await page.getByText('Retention is off.').waitFor()
  const { rules, max_bytes } = (await web.server.get('/api/retention/')).json
  assert.deepEqual([rules, max_bytes], [[{ days: 30, query: 'filename:feed.bin' }], null])
  await page.context().close()
})

/** As a server of a cluster answers, which there is none of here. */
const cluster = {
  alone: false,
  servers: [
    { role: 'works', workers: 4 },
    { role: 'passes on', workers: 0 },
  ].map((server, id) => ({ ...machine(id + 1), ...server, url: `http://10.0.0.${id}:8080` })),
  nodes: [
    {
      ...{ ...machine(7), state: 'connected', workers: 16, parts: 3, done: 41, failed: 1, refused: 0 },
      ...{ cache_bytes: 3 << 20, cache_limit: 5 << 20 },
    },
  ],
  parts: [
    ...[9, 10].map((hunt) => ({ hunt, kind: 'verify', state: 'claimed', node: 7, count: 3, oldest_seconds: 12 })),
    { hunt: null, kind: 'examine', state: 'offered', node: null, count: 2, oldest_seconds: 1 },
  ],
  waiting: [{ what: 'samples', count: 2, oldest_seconds: null, why: 'In their order.' }],
}

function machine(id: number) {
  const time = '2026-11-30T08:00:00.000Z'
  return { id, name: `machine-${id}`, version: '0.1.0', started: time, seen: time }
}

test('administrators see the machines of a cluster, their work, and what waits', { skip }, async () => {
  const page = await openAsAdministrator('/administration?part=cluster')
  await page.getByText('This server works alone').waitFor()
  await page.route('**/api/cluster/', (route) => route.fulfill({ json: cluster }))
  await page.route('**/api/local-retro/', (route) =>
    route.fulfill({ json: { results: [{ id: 10, state: 'COMPLETED' }] } }),
  )
  await page.reload()
  await page.getByRole('link', { name: 'Local Retro, run 10' }).waitFor()
  for (const [table, text] of [
    ['All servers', /machine-1 \(1\).*works.*machine-2 \(2\).*passes on/],
    ['All nodes', /machine-7 \(7\).*connected.*3 MB of 5 MB.*41, 1, 0/],
    [
      'Parts of hunts, of samples that arrive and of merges, by kind and node',
      /hunt 9.*scans candidates.*under way.*node 7.*samples that arrive.*examines samples.*waits for a node/,
    ],
    ['What waits, and for what', /samples.*In their order/],
  ] as const)
    assert.match((await page.getByRole('table', { name: table }).textContent()) ?? '', text)
  // A look that fails takes nothing away.
  await page.route('**/api/cluster/', (route) => route.fulfill({ status: 404, json: {} }))
  for (let look = 0; look < 2; look++) await page.waitForResponse('**/api/cluster/')
  assert.ok(await page.getByRole('table', { name: 'All servers' }).isVisible())
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.context().close()
})

test('one sets one\u2019s own password with the current one, and not without', { skip }, async () => {
  const page = await web.open('/administration')
  await page.getByLabel('Current password').fill('not the password')
  await page.getByLabel('New password').fill('a new one for ana')
  await page.getByLabel('The same again').fill('a new one for ana')
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByText('The current password is missing or wrong.').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.context().close()
})

test('core rulesets, the cloud, limits and health have their own addresses', { skip }, async () => {
  const page = await web.open('/administration?part=limits')
  const upload = page.getByRole('row', { name: /--upload-limit/ })
  await upload.getByText('700MB').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('tab', { name: 'Health' }).click()
  await page.getByText('scans and indexes').waitFor()
  assert.match(page.url(), /part=health$/)
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('tab', { name: 'Core rulesets' }).click()
  await page.getByText('There are no core rulesets').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('tab', { name: 'Cloud' }).click()
  await page.getByText('not connected to a cloud').waitFor()
  assert.equal(await page.getByLabel('Fetch again from').count(), 0)
  assert.deepEqual(await accessibilityProblems(page), [])
  assert.equal(await page.getByRole('tab', { name: 'Users' }).count(), 0)
  await page.context().close()
})
