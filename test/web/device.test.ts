import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { passwords } from '../http/harness.ts'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

let web: WebTest
before(async () => {
  if (!skip) web = await WebTest.start()
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

const begin = async () =>
  (await web.server.post('/api/device/', { as: null, form: { client_id: 'a laptop', days: '7', scope: 'read' } })).json
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const redeem = async (code: string) =>
  (await web.server.post('/api/device/token/', { as: null, form: { grant_type: GRANT, device_code: code } })).json

test('a user logs in, sees what the program asks for, and lets it in', { skip }, async () => {
  const codes = await begin()
  const page = await web.open(`/device?code=${codes.user_code}`, { as: null })
  await page.getByLabel('User').fill('ana')
  await page.getByLabel('Password').fill(passwords.ana)
  await page.getByRole('button', { name: 'Log in' }).click()
  assert.equal(await page.getByRole('textbox', { name: 'Code' }).inputValue(), codes.user_code)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: 'Is this you?' }).waitFor()
  for (const fact of [codes.user_code, 'a laptop', '127.0.0.1', 'read', 'after 7 days'])
    await page.getByRole('definition').filter({ hasText: fact }).first().waitFor()
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    assert.deepEqual(await accessibilityProblems(page), [], colorScheme)
  }
  await page.getByRole('button', { name: 'Approve' }).click()
  await page.getByRole('heading', { name: 'Approved' }).waitFor()
  assert.equal((await redeem(codes.device_code)).user, 'ana')
  await page.goto(`${web.server.url}/administration`)
  await page
    .getByRole('cell', { name: 'log-in from a laptop' })
    .or(page.getByText('log-in from a laptop'))
    .first()
    .waitFor()
  await page.context().close()
})

test('a wrong code says so, and a refused program gets nothing', { skip }, async () => {
  const codes = await begin()
  const page = await web.open('/device')
  await page.getByRole('textbox', { name: 'Code' }).fill('bbbb bbbb')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByText('No log-in waits under this code').waitFor()
  await page.getByRole('textbox', { name: 'Code' }).fill(codes.user_code.toLowerCase())
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: 'Refuse' }).click()
  await page.getByRole('heading', { name: 'Refused' }).waitFor()
  assert.equal((await redeem(codes.device_code)).error, 'access_denied')
  await page.context().close()
})
