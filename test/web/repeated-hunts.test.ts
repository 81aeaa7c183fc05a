/**
 * Hunts that are run again: on their own page, and in the workbench, where texts are written, run and saved.
 */
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
  await page.getByRole('button', { name: 'Hunt', exact: true }).click()
  await page.getByRole('link', { name: 'All results' }).click()
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

  await page.getByRole('link', { name: 'Open in the workbench' }).click()
  await page.getByRole('heading', { name: 'Workbench' }).waitFor()
  await page.getByRole('region', { name: 'Run', exact: true }).getByRole('link', { name: 'two.txt' }).waitFor()
  await page.locator('.cm-line', { hasText: 'rule elder' }).waitFor()
  await page.getByLabel('Name', { exact: true }).fill('berries')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText(/berries is saved and enabled/).waitFor()
  await page.getByRole('heading', { name: 'berries', level: 1 }).waitFor()
  await page.locator('.cm-line', { hasText: 'rule elder { strings: $a = "elderberry" condition: $a }' }).waitFor()
  await page.goto(`${web.server.url}${first}`)
  await page.getByRole('heading', { name: 'berries' }).waitFor()
  assert.equal(await comparison.count(), 0)

  // A text that was made of a hunt's outlives it.
  await page.getByRole('link', { name: 'Open in the workbench' }).click()
  await page.locator('.cm-line', { hasText: 'rule elder' }).waitFor()
  await writeRules(page, 'rule made_of_it { condition: false }')
  await page.getByText('Not saved yet').waitFor()
  await web.server.delete(`/api${first}/`, { as: 'ana' })
  await page.reload()
  await page.locator('.cm-line', { hasText: 'rule made_of_it' }).waitFor()
  await page.getByRole('button', { name: 'Begin with an empty text' }).click()
  await page.locator('.cm-line', { hasText: 'rule made_of_it' }).waitFor({ state: 'detached' })
  await page.reload()
  await page.getByRole('button', { name: 'Try again' }).waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'YARA text' }).count(), 0)
  await page.context().close()
})

const elder = 'rule elder { strings: $a = "elderberry" condition: $a }'

test('a ruleset is narrowed, run, run again and compared where it is written, and the samples found are worked with', {
  skip,
}, async () => {
  await web.server.upload('a cherry and an elderberry', 'three.txt')
  await web.server.saveRuleset('of_the_bench', elder, 'ana')
  const page = await web.open('/rulesets/of_the_bench')
  const run = page.getByRole('region', { name: 'Run', exact: true })
  const hunt = page.getByRole('button', { name: 'Hunt', exact: true })
  const huntsHere = async () => {
    const { json } = await web.server.get('/api/hunts/?type=all&page=1&page_size=50')
    return json.results.filter(({ title }: { title: string }) => /of_the_bench|kept/.test(title ?? ''))
  }
  await page.getByText('3 samples selected').waitFor()
  // What hunting over the samples costs that were selected before is not shown as what it costs now.
  const meaning = page.getByRole('complementary', { name: 'What the text means' })
  const outdated = meaning.locator('[data-outdated]')
  await meaning.getByText('of the corpus').waitFor()
  await outdated.waitFor({ state: 'detached' })
  const looked = Promise.withResolvers<void>()
  await page.route('**/api/hunts/explain/', async (route) => {
    await looked.promise
    await route.continue()
  })
  await page.getByRole('button', { name: 'Narrow' }).click()
  await page.getByLabel('Name like').fill('t*.txt')
  await page.getByText('2 samples selected').waitFor()
  await outdated.waitFor()
  await meaning.getByText('It compiles').waitFor()
  looked.resolve()
  await outdated.waitFor({ state: 'detached' })
  await page.getByText('of what is selected').waitFor()
  await hunt.click()
  await run.getByText(/^2 matches in 2 samples .*samples named t\*\.txt/).waitFor()

  // What is chosen is tagged, places lead to the bytes, and a reload brings scope and results back.
  await run.getByRole('checkbox', { name: 'elder on three.txt' }).click()
  await run.getByText('1 match of 1 sample chosen').waitFor()
  await run.getByRole('button', { name: 'Tag', exact: true }).click()
  await page.getByRole('textbox', { name: 'Tags' }).fill('cherry')
  await page.keyboard.press('Enter')
  await page.getByText('Tagged 1 sample.').waitFor()
  const downloading = page.waitForEvent('download')
  await run.getByRole('button', { name: 'Protected zip' }).click()
  assert.match((await downloading).suggestedFilename(), /\.zip$/)
  const exporting = page.waitForEvent('download')
  await run.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('menuitem', { name: 'CSV' }).click()
  assert.match((await exporting).suggestedFilename(), /\.csv$/)
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    assert.deepEqual(await accessibilityProblems(page), [], scheme)
  }
  await page.reload()
  await run.getByText(/^2 matches in 2 samples/).waitFor()
  assert.equal(await page.getByLabel('Name like').inputValue(), 't*.txt')
  await run.getByRole('link', { name: '0x10' }).click()
  await page.getByRole('heading', { name: 'three.txt' }).waitFor()
  await page.goBack()

  // Another text is compared with the run before, which stays; older ones go, but for those that were renamed.
  await writeRules(page, 'rule elder { strings: $a = "cherry" condition: $a }')
  await page.getByText('It compiles').waitFor()
  await hunt.click()
  const comparison = run.getByRole('region', { name: 'Since the hunt before' })
  await comparison.getByText('0 new matches, 1 no longer found.').waitFor()
  await run.getByRole('button', { name: 'Rename …' }).click()
  await page.getByRole('textbox', { name: 'Title' }).fill('kept cherries')
  await page.keyboard.press('Enter')
  await run.getByRole('heading', { name: 'kept cherries' }).waitFor()
  await writeRules(page, 'rule elder { strings: $a = "berry" $b = "cherry" condition: any of them }')
  await page.getByText('It compiles').waitFor()
  await page.keyboard.press('ControlOrMeta+Enter')
  await comparison.getByText('1 new match, 0 no longer found.').waitFor()
  await comparison.getByLabel('Only what is new').click()
  await run.locator('tbody tr', { hasText: 'three.txt' }).waitFor({ state: 'detached' })
  await run.locator('tbody tr', { hasText: 'two.txt' }).waitFor()
  assert.equal(await run.locator('tbody tr').count(), 1)
  for (let again = 0; again < 2; again++) {
    const before = page.url()
    await hunt.click()
    await page.waitForURL((url) => url.href !== before)
    await comparison.getByText('0 new matches, 0 no longer found.').waitFor()
  }
  const deadline = Date.now() + 10_000
  while ((await huntsHere()).length > 4 && Date.now() < deadline) await page.waitForTimeout(100)
  assert.deepEqual(
    (await huntsHere()).map(({ title }: { title: string }) => title),
    ['of_the_bench', 'of_the_bench', 'kept cherries', 'of_the_bench'],
  )

  // One that somebody has named elsewhere stays as well.
  const [newest, named] = await huntsHere()
  await web.server.call('PATCH', `/api/hunts/${named.id}/`, { as: 'ana', json: { title: 'kept elsewhere' } })
  for (let again = 0; again < 2; again++) {
    const before = page.url()
    await hunt.click()
    await page.waitForURL((url) => url.href !== before)
    await comparison.getByText('0 new matches, 0 no longer found.').waitFor()
  }
  const isGone = async () => !(await huntsHere()).some(({ id }: { id: number }) => id === newest.id)
  while (!(await isGone()) && Date.now() < deadline) await page.waitForTimeout(100)
  assert.deepEqual(
    (await huntsHere()).map(({ title }: { title: string }) => title),
    ['of_the_bench', 'of_the_bench', 'kept elsewhere', 'kept cherries', 'of_the_bench'],
  )

  // It is saved as the next revision, with what was found still below it.
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('Revision 2 of of_the_bench is saved.').waitFor()
  await run.getByText(/^2 matches in 2 samples/).waitFor()
  await page.context().close()
  await web.server.delete('/api/yara/ruleset/', { form: { name: 'of_the_bench' } })
})

test('addresses from before lead to the workbench; the plan begins with the costliest rule, its advice is at its line', {
  skip,
}, async () => {
  await web.server.upload('neither of them', 'four.txt')
  const page = await web.open('/new-hunt?title=old+title&tag=berry')
  await page.getByRole('heading', { name: 'Workbench' }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/workbench')
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'old title')
  assert.equal(await page.getByLabel('Tag', { exact: true }).inputValue(), 'berry')
  await page.goto(`${web.server.url}/new-ruleset?name=old_name`)
  await page.getByRole('heading', { name: 'Workbench' }).waitFor()
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'old_name')

  await writeRules(page, `${elder}\nrule costly {\n  condition:\n    filesize > 3\n}`)
  await page.getByText('It compiles').waitFor()
  const meaning = page.getByRole('complementary', { name: 'What the text means' })
  await meaning.getByText('The rules that read most come first.').waitFor()
  assert.deepEqual(await meaning.locator('summary code').allTextContents(), ['costly', 'elder'])
  const note = page.locator('.cm-line', { hasText: 'filesize > 3' }).locator('.cm-line-note')
  assert.match((await note.getAttribute('data-words')) ?? '', /^reads 100 % · .*narrow/)
  assert.equal(await page.locator('.cm-line', { hasText: 'elderberry' }).locator('.cm-line-note').count(), 0)
  await meaning.getByRole('button', { name: 'in line 4' }).click()
  assert.match((await page.locator('.cm-activeLine').textContent()) ?? '', /filesize > 3/)
  assert.equal((await page.locator('.cm-line').allTextContents()).join('').includes('reads'), false)

  // Of many results the first are listed, which is said, and the way to the others.
  const manyRules = Array.from({ length: 600 }, (_, n) => elder.replace('elder', `elder_${n}`)).join('\n')
  const text = { rules: [{ name: 'rules', content: manyRules }] }
  const { json: many } = await web.server.call('POST', '/api/hunts/', { as: 'ana', json: text })
  await page.goto(`${web.server.url}/workbench?run=${many.id}`)
  const run = page.getByRole('region', { name: 'Run', exact: true })
  await run.getByText(/The first 500 of [\d,]+ matches are listed and can be chosen here\./).waitFor()
  await run.getByRole('link', { name: 'The page of the hunt has all' }).click()
  await page.getByRole('button', { name: 'Next page' }).waitFor()

  // What an address asks for and nobody can read is told, with the fields closed too, and what is no day is left out.
  await page.goto(`${web.server.url}/rulesets/berries?query=size%3A&from=x`)
  await page.getByText('The query has a mistake: nothing is selected by it yet.').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Hunt', exact: true }).isDisabled())
  // A text that was begun on the page for new hunts, when there was one.
  await page.evaluate(`localStorage.clear()
    const draft = { text: 'rule of_earlier { condition: false }', revision: 0, changed: 1 }
    localStorage.setItem('backtrail.draft.ana./hunts/new', JSON.stringify(draft))`)
  await page.goto(`${web.server.url}/workbench`)
  await page.locator('.cm-line', { hasText: 'rule of_earlier' }).waitFor()
  await page.context().close()
})
