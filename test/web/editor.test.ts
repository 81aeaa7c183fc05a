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

/** Rules of six lines. */
const rulesOf = (count: number) =>
  Array.from(
    { length: count },
    (_, n) =>
      `rule long_${n} {\n  strings:\n    $a = "a text that is rare ${n}"\n  condition:\n    $a and filesize < 1MB\n}\n`,
  ).join('')
const KEYS = 20

/** The milliseconds for which a key at the end of a text keeps the thread of the page busy, whatever else the machine does. */
async function costOfKey(content: string): Promise<number> {
  const page = await web.open('/new-ruleset')
  // What the server says of it is another matter, and takes it long.
  await page.route('**/api/hunts/explain/', (route) =>
    route.fulfill({ status: 400, json: { code: 400, error: 'rules.invalid', message: '', detail: {} } }),
  )
  // A long text that is typed or pasted would take most of the time of this test.
  const draft = JSON.stringify({ text: content, revision: 0, changed: Date.now() })
  await page.evaluate(`localStorage.setItem('backtrail.draft.ana.', ${JSON.stringify(draft)})`)
  await page.reload()
  await page.getByRole('textbox', { name: 'YARA text' }).click()
  await page.keyboard.press('ControlOrMeta+End')
  await page.keyboard.type('// ')
  await page.locator('.cm-activeLine .code-comment').waitFor()
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
  const busy = async () => {
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))')
    const { metrics } = await cdp.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000
  }
  const before = await busy()
  for (let n = 0; n < KEYS; n++) await page.keyboard.press('x')
  const cost = ((await busy()) - before) / KEYS
  assert.equal(await activeLine(page), `// ${'x'.repeat(KEYS)}`)
  await page.context().close()
  return cost
}

test('a key in 1 MB of rules costs the page about as much as in a short text', { skip }, async () => {
  const long = rulesOf(10_500)
  assert.ok(long.length > 1024 * 1024, `${long.length} characters`)
  // Each by the same machine in the same minute: parsing the text at each key makes it ten times as much.
  const [short, inLong] = [await costOfKey(rulesOf(30)), await costOfKey(long)]
  assert.ok(inLong < 4 * short, `${inLong} ms in 1 MB, ${short} ms in a short text`)
})
