/** An appliance with a cloud, both real: a ruleset goes there by a switch, hunts there, and its matches come back. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { folderWith } from '../cli/running.ts'
import { startCloud, Tenant } from '../cloud/tenant.ts'
import { KillableServer } from '../faults/killable-server.ts'
import { accessibilityProblems, skip, Watched, writeRules } from './browser.ts'

const password = 'ana and her long password'
const rules = 'rule Marked { strings: $a = "marked for the cloud" condition: $a }'

let browser: Watched
before(async () => {
  if (!skip) browser = await Watched.start()
})
after(() => browser?.stop())

test('a ruleset is saved for the cloud too, hunts there, and its matches are told apart', { skip }, async (t) => {
  const cloud = await startCloud(t)
  const tenant = await Tenant.add(cloud, 'acme')
  const hash = await cloud.take(Buffer.from('a sample that is marked for the cloud'), 'only-there.bin')
  await cloud.untilProcessed([hash])
  const secret = join(folderWith(t, { password: `${tenant.password}\n` }), 'password')
  const connection = ['--cloud-url', cloud.url, '--cloud-user', tenant.name, '--cloud-password-file', secret]
  const server = new KillableServer(t, connection)
  await server.start()
  await server.call('POST', '/api/users/', new URLSearchParams({ name: 'ana', password, role: 'user' }))
  const context = await browser.profile(server.url)
  const page = await context.newPage()
  await page.goto(`${server.url}/new-ruleset`)
  await page.getByLabel('User').fill('ana')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()

  await page.getByLabel('Name', { exact: true }).fill('in_both')
  await writeRules(page, rules)
  await page.getByText('Also in the cloud').click()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: 'in_both' }).waitFor()
  await page.getByRole('switch', { name: 'Also in the cloud', checked: true }).waitFor({ state: 'attached' })

  await page.getByRole('link', { name: 'Cloud Retro' }).click()
  await page.getByText('has the present text and runs it').waitFor({ timeout: 30_000 })
  await page.getByRole('button', { name: 'Start Cloud Retro' }).click()
  await page.getByRole('heading', { name: 'Complete' }).waitFor({ timeout: 30_000 })
  assert.deepEqual(await accessibilityProblems(page), [])

  await page.getByRole('link', { name: 'Look at the matches in the cloud' }).click()
  await page.getByText('1 match shown').waitFor({ timeout: 30_000 })
  const row = page.getByRole('row', { name: /Marked/ })
  await row.getByText('cloud', { exact: true }).waitFor({ state: 'attached' })

  // Saving without the switch takes it out of the cloud again, and the page says so.
  await page.goto(`${server.url}/rulesets/in_both`)
  await page.getByRole('switch', { name: 'Also in the cloud', checked: true }).waitFor({ state: 'attached' })
  await page.getByText('Also in the cloud').click()
  await page.getByText('Not saved yet').waitFor()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('switch', { name: 'Also in the cloud', checked: false }).waitFor({ state: 'attached' })
  await page.getByRole('link', { name: 'Cloud Retro' }).click()
  await page.getByText('no longer has it').waitFor()

  // Fetching again is asked for in the browser's time zone.
  await page.goto(`${server.url}/administration?part=cloud`)
  const field = page.getByLabel('Fetch again from')
  const button = page.getByRole('button', { name: 'Fetch again' })
  await field.fill('2999-01-01T00:00')
  await page.getByText('This time has not come yet.').waitFor()
  assert.ok(await button.isDisabled())
  await field.fill(localMinute(Date.now() - 3_600_000))
  assert.deepEqual(await accessibilityProblems(page), [])
  await cloud.kill()
  await button.click()
  await page.getByText(/Matches are fetched again from .* on\./).waitFor()
  // With the cloud away it stays where it was put.
  await page.getByText('Fetched up to 1 hour ago').waitFor()
  await context.close()
  browser.assertNoComplaints()
  await server.stop()
})

/** `2026-11-22T08:02` where the browser is, which is where the test is. */
function localMinute(milliseconds: number): string {
  const minutesBehind = new Date(milliseconds).getTimezoneOffset()
  return new Date(milliseconds - minutesBehind * 60_000).toISOString().slice(0, 16)
}
