/** A hunt that reads much says so before it starts, and the rules that read little can go first. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, skip, WebTest, writeRules } from './browser.ts'

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.upload(`a large one ${'. '.repeat(10 * 1024 * 1024)}`, 'large.txt')
  await web.server.upload('a small one with elderberries', 'small.txt')
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

const text = `rule cheap {
  strings:
    $a = "elderberries"
  condition:
    $a
}
rule costly {
  condition:
    filesize > 1
}`

test('the notice leads to the line that costs it, and the other rules hunt without it', { skip }, async () => {
  const page = await web.open('/new-hunt')
  await page.getByText('2 samples selected').waitFor()
  await writeRules(page, text)
  const notice = page.getByRole('status').filter({ hasText: 'This hunt reads 20 MB, 100 % of what is selected.' })
  await notice.waitFor()
  assert.match(
    (await notice.textContent()) ?? '',
    /costly alone reads 20 MB: filesize > 1 in line 9 lets that much through/,
  )
  assert.deepEqual(await accessibilityProblems(page), [])
  await notice.getByRole('button', { name: 'in line 9' }).click()
  assert.match((await page.locator('.cm-activeLine').textContent()) ?? '', /filesize > 1/)

  await notice.getByRole('button', { name: 'Hunt with the other rules first' }).click()
  await page.getByText(/^1 match in 2 samples/).waitFor()
  const leftOut = page.getByRole('region', { name: 'Left out' })
  assert.match(
    (await leftOut.textContent()) ?? '',
    /1 rule or text did not run\.costly \(line 7\): it would read 20 MB .* in line 9; the hunt may read 16 MB/,
  )
  assert.equal(await page.locator('tbody tr').count(), 1)
  assert.match((await page.locator('tbody tr').textContent()) ?? '', /small\.txt.*cheap/)
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.context().close()
})

test('a hunt over a small part of the samples starts without a word', { skip }, async () => {
  const page = await web.open('/new-hunt?name=small.txt')
  await page.getByText('1 sample selected').waitFor()
  await writeRules(page, text)
  await page.getByText('It compiles').waitFor()
  await page.getByText('1 sample of 1, 29 bytes of 29 bytes').waitFor()
  assert.equal(await page.getByText('This hunt reads').count(), 0)
  await page.context().close()
})
