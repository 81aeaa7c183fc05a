/** The page of a program: what it is made of, the way to all samples with a value, and to a hunt for it. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { sha256 } from '../http/harness.ts'
import { asManyFacts, builtProgram } from '../programs/built-programs.ts'
import { until } from '../until.ts'
import { accessibilityProblems, skip, WebTest, writeRules } from './browser.ts'

const { everything, 'everything with 64 bits': wide } = asManyFacts() as Record<'everything', Buffer> &
  Record<string, Buffer>
const address = `/samples/${sha256(everything)}`

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.upload(everything, 'everything.exe')
  await web.server.upload(wide as Buffer, 'wide.exe')
  await web.server.upload(builtProgram({ exports: ['Other'] }), 'other.dll')
  // It is computed in the background, and the page shows what there is when it is opened.
  const details = async () => (await web.server.get(`/api${address}/details/`)).json
  await until(async () => (await details()).tlsh !== null, 'the TLSH is computed')
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

test('a program shows what it is made of, and each value leads to all samples with it', { skip }, async () => {
  const page = await web.open(address)
  await page.getByRole('heading', { name: 'everything.exe' }).waitFor()
  await page.getByText(sha256(everything), { exact: true }).waitFor()
  const program = page.getByRole('region', { name: 'Program', exact: true })
  await program.getByText('2020-08-15 03:43:27').waitFor()
  await page.getByRole('region', { name: 'Version and signers' }).getByText('Exämple “Updater”').waitFor()
  await page.getByRole('region', { name: 'Sections', exact: true }).getByRole('cell', { name: '.text' }).waitFor()
  const { program: facts, tlsh } = (await web.server.get(`/api${address}/details/`)).json

  for (const [value, names] of [
    [facts.imphash, ['everything.exe', 'wide.exe']],
    [tlsh, ['everything.exe']],
    ['wininet.dll', ['everything.exe', 'wide.exe']],
    ['ServiceMain', ['everything.exe']],
    ['C:\\b\\ü.pdb', ['everything.exe']],
    ['Exämple “Updater”', ['everything.exe', 'wide.exe']],
    ['2020-08-15 03:43:27', ['everything.exe', 'other.dll']],
  ] as const) {
    await page.getByRole('link', { name: value, exact: true }).first().click()
    await page.getByText(`${names.length} sample${names.length === 1 ? '' : 's'} shown`).waitFor()
    assert.deepEqual((await page.locator('tbody th').allTextContents()).sort(), names)
    await page.goBack()
    await program.waitFor()
  }
  await page.getByRole('link', { name: 'ServiceMain', exact: true }).click()
  assert.equal(await page.getByRole('searchbox').first().inputValue(), 'export:"ServiceMain"')
  await page.context().close()
})

test('a value is hunted for, and a text that was begun earlier is not lost by that', { skip }, async () => {
  const page = await web.open('/new-hunt')
  await writeRules(page, 'rule begun_earlier { condition: false }')
  const isKept = () => page.evaluate("Object.values(localStorage).some((kept) => kept.includes('begun_earlier'))")
  for (let n = 0; !(await isKept()); n++) {
    assert.ok(n < 300, 'the text is kept')
    await page.waitForTimeout(100)
  }
  await page.goto(web.server.url + address)
  await page.getByRole('link', { name: /^Hunt for imphash / }).click()
  await page.getByRole('heading', { name: 'Workbench' }).waitFor()
  await page.locator('.cm-content').getByText('pe.imphash() ==').waitFor()
  await page.getByRole('button', { name: 'Hunt', exact: true }).click()
  await page.getByText('wide.exe').waitFor()
  await page.getByText('everything.exe').waitFor()
  await page.goto(`${web.server.url}/new-hunt`)
  await page.locator('.cm-content').getByText('begun_earlier').waitFor()
  await page.context().close()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the page of a program passes axe-core and fits a phone in ${colorScheme} colours`, { skip }, async () => {
    const page = await web.open(address, { colorScheme })
    await page.getByRole('region', { name: 'Resources' }).waitFor()
    assert.deepEqual(await accessibilityProblems(page), [])
    await page.setViewportSize({ width: 390, height: 800 })
    const hash = page.getByText(sha256(everything), { exact: true })
    await hash.waitFor()
    const box = await hash.boundingBox()
    assert.ok(box && box.x >= 0 && box.x + box.width <= 390, JSON.stringify(box))
    const excess = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    assert.equal(excess, 0)
    await page.context().close()
  })
}
