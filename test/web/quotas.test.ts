import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start({ quotaDaySamples: 1_000 })
  await web.server.appliance.accounts.users.setRole('ana', 'administrator')
  await web.server.upload('twenty bytes of text', 'sent.txt', 'ben')
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

const quotaOf = async (user: string) => (await web.server.get(`/api/users/${user}/quota/`)).json

test('an administrator gives a user a quota, which is in force, and takes it away', { skip }, async () => {
  const page = await web.open('/administration?part=quotas')
  await page.getByRole('button', { name: 'Quota of ben' }).click()
  await page.getByText('everybody’s', { exact: true }).waitFor()
  await page.getByText('1 of 1,000').waitFor()
  await page.getByText('20 bytes, no limit').first().waitFor()
  await page.getByLabel('Samples in a day').fill('0')
  await page.getByText('A whole number, from 1 on.').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Set the quota' }).isDisabled())
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    assert.deepEqual(await accessibilityProblems(page), [], colorScheme)
  }
  await page.getByLabel('Samples in a day').fill('1')
  await page.getByLabel('Bytes stored').fill('1.5 GB')
  await page.getByRole('button', { name: 'Set the quota' }).click()
  await page.getByText('The quota of ben is set.').waitFor()
  await page.getByText('1 of 1', { exact: true }).waitFor()
  await page.getByText('their own', { exact: true }).waitFor()
  const { own, day_samples, day_bytes, total_samples, total_bytes } = await quotaOf('ben')
  assert.deepEqual(
    { own, day_samples, day_bytes, total_samples, total_bytes },
    { own: true, day_samples: 1, day_bytes: null, total_samples: null, total_bytes: 1.5 * 2 ** 30 },
  )
  const multipart = new FormData()
  multipart.append('file', new Blob(['one too many']), 'more.txt')
  assert.equal((await web.server.post('/api/submit/file/', { as: 'ben', multipart })).json.error, 'quota.day')

  await page.getByRole('button', { name: 'As everybody' }).click()
  await page.getByText('1 of 1,000').waitFor()
  assert.equal((await quotaOf('ben')).own, false)
  assert.equal(await page.getByLabel('Samples in a day').inputValue(), '1000')
  await page.context().close()
})

test('whoever is no administrator sees how much they may send themselves, and no quotas of others', {
  skip,
}, async () => {
  const page = await web.open('/administration?part=quotas', { as: 'ben' })
  await page.getByRole('heading', { name: 'Quota', exact: true }).waitFor()
  await page.getByText('1 of 1,000').waitFor()
  assert.equal(await page.getByRole('tab', { name: 'Quotas' }).count(), 0)
  await page.context().close()
})
