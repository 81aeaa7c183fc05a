/** Channels of notifications on their page: added, tried, muted, failing, and removed. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { assertSigned, WebhookReceiver } from '../http/webhook-receiver.ts'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

let web: WebTest
let receiver: WebhookReceiver
before(async () => {
  if (skip) return
  receiver = await WebhookReceiver.start()
  web = await WebTest.start({ webhookNetworks: ['127.0.0.1'] })
  web.server.appliance.notifications.start()
  await web.server.saveRuleset('marks', 'rule marked { strings: $a = "the marked words" condition: $a }', 'ana')
})
after(async () => {
  await web?.stop()
  await receiver?.stop()
})
afterEach(() => web?.assertNoComplaints())

test('a channel is added by keyboard and mouse, tells of a match, shows why messages fail, and goes', {
  skip,
}, async () => {
  const page = await web.open('/')
  await page.getByRole('button', { name: /^ana/ }).click()
  await page.getByRole('menuitem', { name: 'Notifications' }).click()
  await page.getByText('No channels yet').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])

  await page.getByRole('button', { name: 'Add a channel' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill('on duty')
  await dialog.getByLabel('Address').fill('http://10.0.0.1/hook')
  await dialog.getByRole('button', { name: 'Add it' }).click()
  await dialog.getByText(/10\.0\.0\.1/).waitFor()
  await dialog.getByLabel('Address').fill(receiver.url('/hook'))
  await dialog.getByRole('checkbox', { name: 'your hunts' }).check()
  assert.deepEqual(await accessibilityProblems(page), [])
  await dialog.getByRole('button', { name: 'Add it' }).click()
  const secret = (await dialog.locator('code').textContent()) ?? ''
  assert.match(secret, /^whsec_/)
  await dialog.getByRole('button', { name: 'I have copied it' }).click()

  const row = page.getByRole('row').filter({ hasText: 'on duty' })
  await row.getByText('new matches, your hunts').waitFor()
  await row.getByRole('button', { name: 'Send a test to on duty' }).click()
  await page.getByText('on duty has taken the test.').waitFor()
  const [tried] = await receiver.of('/hook', 1)
  if (tried) assertSigned(tried, secret)

  await web.server.upload('the marked words', 'found.txt')
  const [, told] = await receiver.of('/hook', 2)
  assert.equal(told?.json.type, 'matches.found')
  const messages = page.getByRole('region', { name: 'Messages to on duty' })
  await messages.getByText('delivered').nth(1).waitFor()

  receiver.answer = (_, response) => response.writeHead(410).end()
  await row.getByRole('button', { name: 'Send a test to on duty' }).click()
  await page.getByText(/on duty has not taken the test/).waitFor()
  await messages.getByText('failed').first().waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  receiver.answer = (_, response) => response.end('ok')

  await row.getByRole('button', { name: 'Change' }).click()
  await page.getByRole('menuitem', { name: 'Mute for a day' }).click()
  await row.getByText(/^muted until/).waitFor()
  await row.getByRole('button', { name: 'Change' }).click()
  await page.getByRole('menuitem', { name: 'Unmute' }).click()
  await row.getByText('on', { exact: true }).waitFor()
  await row.getByRole('button', { name: 'Change' }).click()
  await page.getByRole('menuitem', { name: 'Edit' }).click()
  await dialog.getByLabel('Name', { exact: true }).fill('at night')
  await dialog.getByRole('button', { name: 'Save' }).click()
  const renamed = page.getByRole('row').filter({ hasText: 'at night' })
  await renamed.getByRole('button', { name: 'Change' }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await page.getByText('No channels yet').waitFor()
  await page.context().close()
})

test('a channel of mails asks for one e-mail address, and says where the server sends none', { skip }, async () => {
  const page = await web.open('/notifications', { as: 'ben' })
  await page.getByRole('button', { name: 'Add a channel' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill('by mail')
  await dialog.getByRole('button', { name: /Kind/ }).click()
  await page.getByRole('option', { name: 'E-mail' }).click()
  await dialog.getByText('One e-mail address;').waitFor()
  await dialog.getByLabel('Address').fill('ben@here.example')
  await dialog.getByRole('button', { name: 'Add it' }).click()
  await dialog.getByText(/This server sends no mails: it was started without --mail-server/).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.context().close()
})
