import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { passwords } from '../http/harness.ts'
import { skip, WebTest } from './browser.ts'

let web: WebTest
before(async () => {
  if (!skip) web = await WebTest.start()
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

test('whoever is not logged in comes to the log-in page, and from there to where they wanted to', {
  skip,
}, async () => {
  const page = await web.open('/rulesets?status=invalid', { as: null })
  await page.getByRole('heading', { name: 'Log in to Backtrail' }).waitFor()
  await page.getByLabel('User').fill('ana')
  await page.getByLabel('Password').fill('not this one')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByText('Unable to log in with provided credentials.').waitFor()
  await page.getByLabel('Password').fill(passwords.ana)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: 'Rulesets', exact: true }).waitFor()
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/rulesets?status=invalid')
  await page.context().close()
})

test('logging out leaves nothing that another could go on with', { skip }, async () => {
  const page = await web.open('/rulesets')
  await page.getByRole('button', { name: 'ana' }).click()
  await page.getByRole('menuitem', { name: 'Log out' }).click()
  await page.getByRole('heading', { name: 'Log in to Backtrail' }).waitFor()
  assert.deepEqual(await page.context().cookies(), [])
  await page.goto(`${web.server.url}/hunts`)
  await page.getByRole('heading', { name: 'Log in to Backtrail' }).waitFor()
  await page.context().close()
})

test('a session that ends on the server leads back to the log-in page', { skip }, async () => {
  const page = await web.open('/rulesets')
  await page.getByRole('heading', { name: 'Rulesets', exact: true }).waitFor()
  const [cookie] = await page.context().cookies()
  await web.server.appliance.accounts.sessions.close(cookie?.value ?? '')
  await page.getByRole('link', { name: 'Hunts' }).click()
  await page.getByRole('heading', { name: 'Log in to Backtrail' }).waitFor()
  await page.context().close()
})

test('a link to the log-in page cannot lead to another site afterwards', { skip }, async () => {
  for (const then of ['https://example.org/', '//example.org/', '/\\example.org/']) {
    const page = await web.open(`/log-in?then=${encodeURIComponent(then)}`)
    await page.getByRole('navigation', { name: 'Pages', exact: true }).waitFor()
    assert.equal(new URL(page.url()).origin, web.server.url)
    await page.context().close()
  }
})
