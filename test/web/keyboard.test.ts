/** An analyst's whole journey without a mouse: no test step touches one, and the page counts that none was there. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { passwords } from '../http/harness.ts'
import { skip, WebTest } from './browser.ts'

let web: WebTest
before(async () => {
  if (!skip) web = await WebTest.start()
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

type Role = Parameters<Page['getByRole']>[0]

/** Presses Tab until what is wanted has the focus. */
async function reach(page: Page, role: Role, name: string | RegExp): Promise<void> {
  const wanted = page.getByRole(role, { name, exact: typeof name === 'string' })
  await wanted.first().waitFor()
  const editor = page.getByRole('textbox', { name: 'YARA text' })
  for (let presses = 0; presses < 80; presses++) {
    if ((await page.locator(':focus').and(wanted).count()) > 0) return
    // In the editor Tab indents; after Escape it leaves.
    if ((await page.locator(':focus').and(editor).count()) > 0) await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
  }
  assert.fail(`${name} is not reached by the Tab key`)
}

async function press(page: Page, role: Role, name: string | RegExp): Promise<void> {
  await reach(page, role, name)
  await page.keyboard.press('Enter')
}

const content = Buffer.concat([Buffer.alloc(3_000, '.'), Buffer.from('a needle in here'), Buffer.alloc(3_000, '.')])

test('from the log-in to an exported file, everything is done by keyboard', { skip }, async () => {
  const page = await web.open('/log-in', { as: null })
  const mouse = 'pointerdown mousedown click'.split(' ')
  await page.evaluate(`
    window.mouseEvents = 0
    for (const type of ${JSON.stringify(mouse)}) window.addEventListener(type, (event) => {
      if (event.pointerType === 'mouse' || type === 'mousedown') window.mouseEvents++
    }, true)`)

  await reach(page, 'textbox', 'User')
  await page.keyboard.type('ana')
  await reach(page, 'textbox', 'Password')
  await page.keyboard.type(passwords.ana)
  await page.keyboard.press('Enter')

  await press(page, 'link', 'Samples')
  const choosing = page.waitForEvent('filechooser')
  await press(page, 'button', 'Choose files')
  await (await choosing).setFiles({ name: 'hay.bin', mimeType: 'application/octet-stream', buffer: content })
  await page.getByRole('region', { name: 'Uploads' }).getByText('done', { exact: true }).waitFor()

  await press(page, 'link', 'Rulesets')
  await press(page, 'link', 'New ruleset')
  await reach(page, 'textbox', 'Name')
  await page.keyboard.type('by_keyboard')
  await reach(page, 'textbox', 'YARA text')
  // Typed out, so that the editor closes what is opened, and the closing brace is there.
  await page.keyboard.type('rule keys { strings: $a = "needle" condition: $wrong', { delay: 2 })
  await page.keyboard.press('Escape')
  await page.locator('.cm-lintRange-error', { hasText: '$wrong' }).waitFor()

  await press(page, 'button', /\$wrong/)
  await page
    .locator(':focus')
    .and(page.getByRole('textbox', { name: 'YARA text' }))
    .waitFor()
  for (let letter = 0; letter < '$wrong'.length; letter++) await page.keyboard.press('Delete')
  await page.keyboard.type('$a')
  await page.keyboard.press('Escape')
  await page.getByText('It compiles').waitFor()

  await page.keyboard.press('ControlOrMeta+Enter')
  await page.getByText(/^1 match in 1 sample/).waitFor()
  await page.keyboard.press('ControlOrMeta+s')
  await page.getByText(/by_keyboard is saved and enabled/).waitFor()
  await page.getByRole('heading', { name: 'by_keyboard' }).waitFor()

  await press(page, 'link', 'Local Retro')
  await press(page, 'button', 'Start Local Retro')
  await page.getByText('Local Retro is complete: 1 new match.').waitFor()

  await press(page, 'link', 'Matches')
  await press(page, 'link', 'keys')
  await page.getByRole('heading', { name: 'Strings of keys' }).waitFor()
  await press(page, 'button', '0xBBA')
  const bytes = page.getByRole('region', { name: /^Bytes of the sample/ })
  await bytes.locator('mark[data-here]').first().waitFor()
  assert.equal((await bytes.locator('td:last-child mark[data-here]').allTextContents()).join(''), 'needle')
  await reach(page, 'region', /^Bytes of the sample/)
  await page.keyboard.press('Home')
  await bytes.getByRole('row', { name: /^00000000 2E 2E/ }).waitFor()

  await press(page, 'link', 'Matches')
  await press(page, 'button', 'Export all')
  await page.getByRole('menuitem', { name: 'CSV' }).waitFor()
  const downloading = page.waitForEvent('download')
  await page.keyboard.press('Enter')
  const csv = readFileSync(await (await downloading).path(), 'utf8')
    .trimEnd()
    .split('\r\n')
  assert.equal(csv.length, 2)
  assert.match(csv[1] ?? '', /^by_keyboard,keys,false,.*hay\.bin/)
  assert.equal(await page.evaluate('window.mouseEvents'), 0)
  await page.context().close()
})
