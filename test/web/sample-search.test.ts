/** The search of the list of samples, in the query language. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.upload('a short text', 'short.txt')
  await web.server.upload('long '.repeat(1_000), 'long.bin')
  await web.server.upload('another '.repeat(1_000), 'other.txt')
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

const NAME = 'Search a hash, a part of a name, or a query'

test('a query finds samples, and one that cannot be understood is not sent and has its place marked', {
  skip,
}, async () => {
  const page = await web.open('/samples')
  const search = page.getByRole('searchbox', { name: NAME })
  const names = page.locator('tbody th')
  await page.getByText('3 samples shown').waitFor()
  await search.fill('size:>1KB AND NOT name:*.txt')
  await page.getByText('1 sample shown').waitFor()
  assert.deepEqual(await names.allTextContents(), ['long.bin'])
  const address = page.url()
  assert.equal(new URL(address).searchParams.get('q'), 'size:>1KB AND NOT name:*.txt')

  for (const [query, message, marked] of [
    ['size:>1KB (name:*.bin', 'This parenthesis is not closed.', '('],
    ['long nosuch:1', /^There is no field nosuch/, 'nosuch:'],
    ['size:', 'A value is missing here.', ''],
  ] as const) {
    await search.fill(query)
    await page.getByText(message).waitFor()
    assert.equal(await page.locator('search mark').textContent(), marked)
    assert.equal(await search.getAttribute('aria-invalid'), 'true')
  }
  assert.deepEqual(await accessibilityProblems(page), [])
  // As long as it cannot be understood, the list and the address stay.
  assert.deepEqual(await names.allTextContents(), ['long.bin'])
  assert.equal(page.url(), address)
  await search.fill('(name:*.bin')
  await page.getByText('This parenthesis is not closed.').waitFor()
  await search.press('Enter')
  const selection = await search.evaluate((input) => {
    const { selectionStart, selectionEnd } = input as unknown as Record<string, unknown>
    return [selectionStart, selectionEnd]
  })
  assert.deepEqual(selection, [0, 1])
  await search.fill('(name:*.bin OR short)')
  await page.getByText('2 samples shown').waitFor()
  assert.equal(await page.locator('search mark').count(), 0)
  await page.context().close()
})

test('the help lists the fields, and adds an example to the query', { skip }, async () => {
  const page = await web.open('/samples?q=long')
  const search = page.getByRole('searchbox', { name: NAME })
  await page.getByText('1 sample shown').waitFor()
  await page.getByRole('button', { name: 'How to search' }).click()
  const help = page.getByRole('dialog', { name: 'How to search' })
  await help.getByText('bytes; KB, MB and GB are 1,024 of the smaller').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await help.getByRole('button', { name: 'Add classification:malicious' }).click()
  await help.waitFor({ state: 'detached' })
  assert.equal(await search.inputValue(), 'long classification:malicious')
  await page.getByText('No sample fits').waitFor()
  await page.context().close()
})

test('an address with a query that cannot be understood says so', { skip }, async () => {
  const page = await web.open('/samples?q=size:small')
  await page.getByText('The query cannot be understood at character 6: ', { exact: false }).waitFor()
  assert.equal(await page.getByRole('searchbox', { name: NAME }).getAttribute('aria-invalid'), 'true')
  await page.context().close()
})
