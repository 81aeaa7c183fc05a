/** The page of a hunt: named, run again, compared with the run before; its results are worked with, its text is saved. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, skip, WebTest, writeRules } from './browser.ts'

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.upload('an elderberry alone', 'one.txt')
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

test('a hunt is named, run again over more samples, compared, and its text becomes a ruleset', { skip }, async () => {
  const page = await web.open('/new-hunt')
  await page.getByText('1 sample selected').waitFor()
  await writeRules(page, 'rule elder { strings: $a = "elderberry" condition: $a }')
  await page.getByText('It compiles').waitFor()
  await page.getByRole('button', { name: 'Start the hunt' }).click()
  await page.getByText('completed').waitFor()

  await page.getByRole('button', { name: 'Rename …' }).click()
  await page.getByRole('textbox', { name: 'Title' }).fill('berries')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'berries' }).waitFor()
  const first = new URL(page.url()).pathname

  await web.server.upload('another elderberry', 'two.txt')
  await page.getByRole('button', { name: 'Run again' }).click()
  const comparison = page.getByRole('region', { name: 'Since the hunt before' })
  await comparison.getByText('1 new match, 0 no longer found.').waitFor()
  assert.notEqual(new URL(page.url()).pathname, first)
  assert.equal(await page.locator('tbody tr').count(), 2)
  await comparison.getByLabel('Only what is new').click()
  await page.locator('tbody tr').nth(1).waitFor({ state: 'detached' })
  assert.match((await page.locator('tbody tr').textContent()) ?? '', /two\.txt/)
  assert.deepEqual(await accessibilityProblems(page), [])

  await page.getByRole('checkbox', { name: 'elder on two.txt' }).click()
  await page.getByText('1 match of 1 sample chosen').waitFor()
  await page.getByRole('button', { name: 'Tag', exact: true }).click()
  await page.getByRole('textbox', { name: 'Tags' }).fill('berry')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByText('Tagged 1 sample.').waitFor()
  await page.getByRole('button', { name: 'Clear selection' }).click()

  await page.getByRole('link', { name: '0x8' }).click()
  await page.getByRole('heading', { name: 'two.txt' }).waitFor()
  assert.equal(new URL(page.url()).searchParams.get('at'), '8')
  await page.goBack()

  await page.getByRole('link', { name: 'Save as ruleset' }).click()
  await page.getByRole('heading', { name: 'New ruleset' }).waitFor()
  await page.locator('.cm-line', { hasText: 'rule elder' }).waitFor()
  await page.getByRole('textbox', { name: 'Name' }).fill('berries')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText(/berries is saved and enabled/).waitFor()
  await page.getByRole('heading', { name: 'berries' }).waitFor()
  await page.locator('.cm-line', { hasText: 'rule elder { strings: $a = "elderberry" condition: $a }' }).waitFor()
  await page.goto(`${web.server.url}${first}`)
  await page.getByRole('heading', { name: 'berries' }).waitFor()
  assert.equal(await comparison.count(), 0)
  await page.context().close()
})
