/** The search over everything and the shortcuts, as an analyst uses them: by keyboard. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { sha1, sha256 } from '../http/harness.ts'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

let web: WebTest
const content = 'a sample that is searched for'
before(async () => {
  if (skip) return
  web = await WebTest.start()
  const { server } = web
  await server.upload(content, 'report.exe')
  const lines = Array.from({ length: 200 }, (_, n) => `// line ${n + 1}`)
  lines[149] = 'rule Emotet_Loader { meta: mutex = "I98B68E3C" condition: false }'
  await server.saveRuleset('loaders', lines.join('\n'), 'ana')
  const rules = [{ name: 'x', content: 'rule x { condition: false }' }]
  await server.post('/api/hunts/', { json: { title: 'Hunt for I98B68E3C', rules } })
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

const field = (page: Page) => page.getByRole('combobox', { name: 'Search everything' })
const option = (page: Page, name: RegExp) => page.getByRole('option', { name })

test('Ctrl-K searches, arrows choose and Enter opens: a line of a rule is shown in the editor', { skip }, async () => {
  const page = await web.open('/samples')
  await page.getByRole('button', { name: 'Search', exact: true }).waitFor()
  await page.keyboard.press('Control+k')
  await field(page).waitFor()
  await page.keyboard.type('i98b68')
  await option(page, /mutex/).waitFor()
  await page.keyboard.press('ArrowDown')
  const chosen = page.getByRole('option', { selected: true })
  await chosen.filter({ hasText: 'Hunt for I98B68E3C' }).waitFor()
  await page.keyboard.press('ArrowDown')
  await chosen.filter({ hasText: 'loaders: Emotet_Loader, line 150' }).waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'loaders' }).waitFor()
  await page.locator('.cm-activeLine', { hasText: 'Emotet_Loader' }).waitFor()
  assert.equal(await page.getByRole('dialog').count(), 0)
  await page.context().close()
})

test('a slash searches but not where one writes, and Escape goes back to where one was', { skip }, async () => {
  const page = await web.open('/rulesets')
  const names = page.getByRole('searchbox').first()
  await names.click()
  await page.keyboard.type('a/b?')
  assert.equal(await names.inputValue(), 'a/b?')
  assert.equal(await page.getByRole('dialog').count(), 0)
  await page.getByRole('heading', { level: 1 }).click()
  await page.keyboard.press('/')
  await field(page).waitFor()
  assert.equal(await field(page).inputValue(), '')
  await page.keyboard.press('Escape')
  await field(page).waitFor({ state: 'detached' })
  await page.context().close()
})

test('a pasted list of hashes says which samples are here, each a link', { skip }, async () => {
  const page = await web.open('/', { permissions: ['clipboard-read', 'clipboard-write'] })
  await page.getByRole('button', { name: 'Search', exact: true }).click()
  await field(page).waitFor()
  const list = `${sha256(content)}\n${sha1('no such sample')}\n`
  await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(list)})`)
  await page.keyboard.press('Control+v')
  await page.getByText('1 of 2 hashes are of samples here.').waitFor()
  await page.getByText(sha1('no such sample')).waitFor()
  const link = option(page, /report\.exe/)
  assert.match((await link.getAttribute('href')) ?? '', new RegExp(`/samples/${sha256(content)}$`))
  await link.click()
  await page.getByRole('heading', { name: 'report.exe' }).waitFor()
  await page.context().close()
})

test('a question mark shows the shortcuts, and two keys go to a page', { skip }, async () => {
  const page = await web.open('/samples')
  await page.getByRole('heading', { level: 1, name: 'Samples' }).waitFor()
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  await page.keyboard.press('h')
  await page.getByRole('heading', { level: 1, name: 'Hunts' }).waitFor()
  // The page that came is read aloud; the first one is read by the browser itself.
  const heard = page.getByRole('status').filter({ hasText: /^Hunts$/ })
  await heard.waitFor({ state: 'attached' })
  await page.goto(`${web.server.url}/hunts`)
  await page.getByRole('heading', { level: 1, name: 'Hunts' }).waitFor()
  assert.equal(await heard.count(), 0)
  await page.context().close()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the search with what it found passes axe-core in ${colorScheme} colours`, { skip }, async () => {
    const page = await web.open('/', { colorScheme })
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    await field(page).fill('lo')
    await option(page, /loaders/)
      .first()
      .waitFor()
    await field(page).fill('emotet')
    await option(page, /Emotet_Loader/)
      .first()
      .waitFor()
    assert.deepEqual(await accessibilityProblems(page), [])
    await page.context().close()
  })
}
