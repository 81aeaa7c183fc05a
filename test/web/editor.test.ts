/** What the keyboard does in the editor besides writing: definitions, names, format, long lines; and the outline. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { accessibilityProblems, skip, WebTest, writeRules } from './browser.ts'

let web: WebTest
before(async () => {
  if (!skip) web = await WebTest.start()
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

const text = `rule one {
strings:
$a = "first"
condition:
#a > 1 and @a[1] < 10
}
rule two { condition: one and filesize < 10 }`

const textOf = async (page: Page) => (await page.locator('.cm-line').allTextContents()).join('\n')
const activeLine = (page: Page) => page.locator('.cm-activeLine').textContent()

/** The place on the screen of the last letter of a piece of text, of one colour, in the editor. */
function placeOf(page: Page, piece: string): Promise<[number, number]> {
  return page.evaluate(`(() => {
    const walker = document.createTreeWalker(document.querySelector('.cm-content'), NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const at = node.textContent.indexOf(${JSON.stringify(piece)})
      if (at < 0) continue
      const range = document.createRange()
      range.setStart(node, at + ${piece.length - 1})
      range.setEnd(node, at + ${piece.length})
      const { x, y, width, height } = range.getBoundingClientRect()
      return [x + width / 2, y + height / 2]
    }
  })()`)
}

test('names lead to their definitions, are renamed everywhere, and lines are indented', { skip }, async () => {
  const page = await web.open('/new-ruleset')
  await writeRules(page, text)
  await page.getByText('It compiles').waitFor()

  const ligatures = await page.evaluate(`getComputedStyle(document.querySelector('.cm-content')).fontVariantLigatures`)
  assert.equal(ligatures, 'none')
  await page.locator('.cm-line', { hasText: '#a > 1' }).click({ position: { x: 12, y: 8 } })
  assert.match((await activeLine(page)) ?? '', /#a > 1/)
  await page.keyboard.press('F12')
  assert.match((await activeLine(page)) ?? '', /\$a = "first"/)
  await page.keyboard.press('F2')
  await page.keyboard.type('greeting')
  assert.match(await textOf(page), /\$greeting = "first"\ncondition:\n#greeting > 1 and @greeting\[1\] < 10/)
  await page.keyboard.press('Escape')

  await page.keyboard.press('Shift+Alt+F')
  assert.match(
    await textOf(page),
    /^rule one \{\n {2}strings:\n {4}\$greeting = "first"\n {2}condition:\n {4}#greeting/,
  )
  await page.getByText('It compiles').waitFor()

  await page.keyboard.down('Control')
  await page.mouse.click(...(await placeOf(page, ': one')))
  await page.keyboard.up('Control')
  assert.match((await activeLine(page)) ?? '', /^rule one/)
  await page.context().close()
})

test('the outline lists the rules and leads to each; long lines break where that was chosen, also later', {
  skip,
}, async () => {
  const page = await web.open('/new-hunt')
  await writeRules(page, `${text}\n// ${'long '.repeat(200)}`)
  await page.getByText('It compiles').waitFor()
  await page.getByText('Outline', { exact: true }).click()
  await page.getByText('Outline: 2 rules').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('button', { name: /^two\s*7$/ }).click()
  assert.match((await activeLine(page)) ?? '', /^rule two/)

  const isWrapped = () => page.locator('.cm-lineWrapping').count()
  assert.equal(await isWrapped(), 0)
  await page.keyboard.press('Alt+Z')
  assert.equal(await isWrapped(), 1)
  await page.reload()
  await page.locator('.cm-lineWrapping').waitFor()
  await page.context().close()
})
