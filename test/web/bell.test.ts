/** The bell: what is new is counted on every page, listed with links, and read in one browser it is read in all. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.saveRuleset('marks', 'rule marked { strings: $a = "the marked words" condition: $a }', 'ana')
  await web.server.saveRuleset('of_ben', 'rule other { strings: $a = "the marked words" condition: $a }', 'ben')
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a new match rings for whoever follows the ruleset, and what is opened is read (${colorScheme})`, {
    skip,
  }, async () => {
    const page = await web.open('/', { colorScheme })
    await page.getByRole('button', { name: 'Nothing new' }).click()
    await page.getByText('Nothing since you looked last.').waitFor()
    await page.keyboard.press('Escape')
    await web.server.upload(`the marked words in ${colorScheme}`, 'new.txt')
    await page.goto(`${web.server.url}/rulesets`)
    await page.getByRole('row', { name: /marks/ }).getByText('1 new').waitFor()
    const bell = page.getByRole('button', { name: 'New for you: 1' })
    await bell.click()
    const list = page.getByRole('dialog', { name: 'New for you' })
    await list.getByRole('link', { name: '1 new match of marks' }).waitFor()
    assert.deepEqual(await accessibilityProblems(page), [])

    const elsewhere = await web.open('/')
    await elsewhere.getByRole('button', { name: 'New for you: 1' }).waitFor()
    await list.getByRole('link', { name: '1 new match of marks' }).click()
    await page.getByRole('heading', { name: 'Matches' }).waitFor()
    assert.match(page.url(), /\/matches\?ruleset=marks$/)
    await page.getByRole('button', { name: 'Nothing new' }).waitFor()
    await elsewhere.reload()
    await elsewhere.getByRole('button', { name: 'Nothing new' }).waitFor()
    await elsewhere.context().close()
    await page.context().close()
  })
}

test('a ruleset of somebody else is followed from its page, and all is read at once', { skip }, async () => {
  const page = await web.open('/rulesets/of_ben')
  await page.getByText('Follow', { exact: true }).click()
  await page.getByRole('switch', { name: 'of_ben is followed', checked: true }).waitFor()
  await web.server.upload('the marked words for both', 'both.txt')
  await page.reload()
  await page.getByRole('button', { name: 'New for you: 2' }).click()
  await page.getByRole('link', { name: '1 new match of of_ben' }).waitFor()
  await page.getByRole('button', { name: 'Mark all as read' }).click()
  await page.getByText('Nothing since you looked last.').waitFor()
  await page.context().close()
})
