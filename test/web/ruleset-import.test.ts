/** Rule files that are dropped on the page of rulesets: looked at first, then imported. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, drop, skip, WebTest } from './browser.ts'

/** The list draws the rows in sight, and all of them are saved. */
const FILES = process.env.BACKTRAIL_LONG === '1' ? 300 : 60

let web: WebTest
let folder: string
before(async () => {
  if (skip) return
  web = await WebTest.start()
  folder = mkdtempSync(join(tmpdir(), 'backtrail-rules-'))
})
after(async () => {
  await web?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})
afterEach(() => web?.assertNoComplaints())

test('a folder of many rule files is dropped, previewed and imported; what does not compile is named with its place', {
  skip,
}, async () => {
  const rules = join(folder, 'rules')
  for (let i = 0; i < FILES; i++) {
    const family = join(rules, `family_${i % 10}`)
    mkdirSync(family, { recursive: true })
    writeFileSync(join(family, `rule_${i}.yar`), `rule found_${i} { strings: $a = "needle ${i}" condition: $a }\n`)
  }
  writeFileSync(join(rules, 'broken.yar'), 'rule broken {\n  condition:\n    nothing_known\n}\n')
  writeFileSync(join(rules, 'README.md'), 'about these rules')
  await web.server.saveRuleset('rule_7', 'rule before { condition: false }', 'ana')

  const page = await web.open('/rulesets')
  page.setDefaultTimeout(300_000)
  await page.getByText('Drop YARA files, folders or a zip anywhere on this page').waitFor()
  await drop(page, [rules])
  await page.getByText(`${FILES - 1} new, 1 replacing others, 0 as they are, 1 left out`).waitFor()
  const row = (name: string) => page.getByRole('row').filter({ hasText: name })
  await row('rules/broken.yar')
    .getByText(/^rules\/broken\.yar:3:5: .*nothing_known/)
    .waitFor()
  await row('rules/broken.yar').getByText('left out: it does not compile').waitFor()
  await row('family_7/rule_7.yar').getByText('replaces the text of rule_7').waitFor()
  await page.getByRole('region', { name: 'Left out' }).getByText('1 file that cannot be rules').waitFor()
  assert.equal(await page.getByRole('checkbox', { name: 'Choose rules/broken.yar' }).isDisabled(), true)
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    assert.deepEqual(await accessibilityProblems(page), [], scheme)
  }

  // One of them stays out.
  await page.getByRole('checkbox', { name: 'Choose rules/family_0/rule_0.yar', exact: true }).click()
  await page.getByRole('button', { name: `Import ${FILES - 1} rulesets` }).click()
  await page.getByText(`${FILES - 2} rulesets made, 1 replaced.`).waitFor()
  await page.getByRole('link', { name: `rule_${FILES - 1}`, exact: true }).click()
  await page.getByRole('heading', { name: `rule_${FILES - 1}` }).waitFor()
  const { json } = await web.server.get('/api/rulesets/?status=active')
  assert.equal(json.count, FILES - 1)
  assert.equal((await web.server.get('/api/rulesets/rule_0/')).status, 404)
  assert.equal((await web.server.get('/api/rulesets/rule_7/')).json.revision, 2)
  await page.context().close()
})

test('an import that has ended says so, and files without rules are refused before anything is sent', {
  skip,
}, async () => {
  const page = await web.open('/ruleset-imports/12')
  await page.getByRole('heading', { name: 'This import is over' }).waitFor()
  await page.goto(`${web.server.url}/rulesets`)
  await page.getByText('Drop YARA files, folders or a zip anywhere on this page').waitFor()
  writeFileSync(join(folder, 'notes.txt'), 'no rules')
  await drop(page, [join(folder, 'notes.txt')])
  await page.getByText(/There is no YARA file .* among these files/).waitFor()
  await page.context().close()
})
