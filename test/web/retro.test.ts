import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { accessibilityProblems, skip, WebTest, writeRules } from './browser.ts'

const SAMPLES = 60

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  for (let i = 0; i < SAMPLES; i++) await web.server.upload(`sample number ${i} ${'x'.repeat(64)}`, `s${i}.txt`)
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

/** Takes a while on every sample, so that there is something to watch. */
const slow = `rule slow { condition: for all i in (0..1000000) : ( uint8(i % 64) != 0x00 or i % 64 < 64 ) }`

/** The values that the bar shows until it is gone. */
async function watchBar(page: Page, name: string): Promise<number[]> {
  const bar = page.getByRole('progressbar', { name })
  const seen: number[] = []
  for (;;) {
    const value = await bar.getAttribute('aria-valuenow', { timeout: 1_000 }).catch(() => null)
    if (value === null && (await bar.count()) === 0) return seen
    if (value !== null && Number(value) !== seen.at(-1)) seen.push(Number(value))
    await page.waitForTimeout(50)
  }
}

test('Local Retro is started, its bar moves by itself to the end, and the run is told', { skip }, async () => {
  await web.server.saveRuleset('slow_rules', slow)
  const page = await web.open('/retro')
  await page.getByRole('heading', { name: 'Local Retro has not run yet' }).waitFor()
  await page.getByRole('button', { name: 'Start Local Retro' }).click()
  await page.getByRole('progressbar', { name: 'Local Retro' }).waitFor()
  const values = await watchBar(page, 'Local Retro')
  assert.ok(values.length >= 3, `the bar stood at ${values.join(', ')}`)
  assert.deepEqual(
    values,
    [...values].sort((a, b) => a - b),
  )
  await page.getByRole('heading', { name: 'Complete' }).waitFor()
  await page.getByText(/Local Retro is complete: .* new match/).waitFor()
  const row = page.getByRole('row').nth(1)
  await row.getByText('complete').waitFor()
  assert.match((await row.textContent()) ?? '', new RegExp(`ana.*1.*${SAMPLES}`))
  await page.context().close()
})

test('a run is stopped by hand, and history and chart show both', { skip }, async () => {
  const page = await web.open('/retro', { as: 'ben' })
  await page.getByRole('button', { name: 'Start Local Retro' }).click()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('heading', { name: 'Stopped' }).waitFor()
  await page.getByText(/stopped by ben/).waitFor()
  await page.getByRole('img', { name: /How long the last 2 runs took/ }).waitFor()
  const history = page.getByRole('table', { name: 'Runs of Local Retro, newest first' })
  assert.equal(await history.getByRole('row').count(), 3)
  await page.context().close()
})

test('each run leads to its own matches, and to what is new since the run before', { skip }, async () => {
  await web.server.post('/api/yara/ruleset/disable/', { form: { name: 'slow_rules' } })
  await web.server.saveRuleset('quick', 'rule quick { strings: $a = "sample number" condition: $a }')
  for (let run = 0; run < 2; run++) {
    await web.server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
    await web.server.appliance.localRetro.idle()
  }
  const page = await web.open('/retro')
  await page.getByRole('link', { name: 'Matches of this run' }).click()
  await page.getByRole('heading', { name: /^Run \d+ of Local Retro$/ }).waitFor()
  await page.getByText(`${SAMPLES} matches shown, that is all`).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('button', { name: /^Show all of this run/ }).click()
  await page.getByRole('option', { name: 'new since the run before' }).click()
  await page.getByRole('heading', { name: 'Nothing is new since the run before' }).waitFor()
  await page.getByRole('link', { name: 'Local Retro' }).click()
  const before = page.getByRole('table', { name: 'Runs of Local Retro, newest first' }).getByRole('row').nth(2)
  await before.getByRole('link', { name: String(SAMPLES), exact: true }).click()
  await page.getByText(`${SAMPLES} matches shown, that is all`).waitFor()
  assert.match(page.url(), /\/retro\/\d+\?new_in_run=true$/)
  await page.goto(`${web.server.url}/retro/4711`)
  await page.getByRole('heading', { name: 'There is no such run' }).waitFor()
  await page.context().close()
})

test('a hunt over a part of the samples is started, followed, exported and deleted', { skip }, async () => {
  const page = await web.open('/hunts')
  await page.getByRole('link', { name: 'New hunt' }).click()
  await page.getByLabel('Name', { exact: true }).fill('numbers of one digit')
  await page.getByLabel('Name like').fill('s?.txt')
  await writeRules(page, 'rule numbered { strings: $n = "sample number" condition: $n }')
  await page.getByText('It compiles').waitFor()
  await page.getByText('10 samples selected').waitFor()
  await page.getByRole('button', { name: 'Hunt', exact: true }).click()
  await page.getByText(/^10 matches in 10 samples .*samples named s\?\.txt/).waitFor()
  await page.getByRole('link', { name: 'All results' }).click()
  await page.getByRole('heading', { name: 'numbers of one digit' }).waitFor()
  await page.getByText('samples named s?.txt').waitFor()
  await page.getByText('completed').waitFor()
  await page.locator('tbody tr').nth(9).waitFor()
  assert.equal(await page.locator('tbody tr').count(), 10)

  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('menuitem', { name: 'Hashes' }).click()
  const download = await downloading
  assert.match(download.suggestedFilename(), /^hunt-\d+\.txt$/)
  const lines: string[] = []
  for await (const chunk of await download.createReadStream()) lines.push(...String(chunk).trim().split('\n'))
  assert.equal(lines.length, 10)
  assert.ok(lines.every((line) => /^[0-9a-f]{64}$/.test(line)))

  await page.getByRole('button', { name: 'Delete …' }).click()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('heading', { name: 'No hunts yet' }).waitFor()
  await page.context().close()
})

test('a hunt is restricted by a query, whose error is shown below its field', { skip }, async () => {
  const page = await web.open('/new-hunt')
  await page.getByText(`${SAMPLES} samples selected`).waitFor()
  await writeRules(page, 'rule all_of_them { condition: true } rule broken { condition: nothing_known }')
  const query = page.getByRole('searchbox', { name: 'Samples that fulfil a query' })
  await query.fill('name:s1* size:')
  await page.locator('code', { has: page.locator('mark') }).waitFor()
  await page.getByText('The query has a mistake: nothing is selected by it yet.').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Hunt', exact: true }).isDisabled())
  await query.fill('name:s1*')
  await page.getByText('11 samples selected').waitFor()
  await page.getByRole('checkbox', { name: 'Run what compiles' }).check()
  await page.getByRole('button', { name: 'Hunt', exact: true }).click()
  await page.getByText(/^11 matches in 11 samples .*samples that fulfil name:s1\*/).waitFor()
  await page.getByRole('region', { name: 'Left out' }).getByText('broken', { exact: true }).waitFor()
  await page.context().close()
})

test('fields of the workbench that are filled in the same moment all keep what they got', { skip }, async () => {
  const page = await web.open('/new-hunt')
  await page.getByText(`${SAMPLES} samples selected`).waitFor()
  // As a browser fills a form by itself: no time passes between one field and the next.
  await page.evaluate(`
    for (const [label, text] of [['Name', 'numbers'], ['Name like', 's?.txt'], ['Tag', 'never given']]) {
      const input = [...document.querySelectorAll('label')].find((one) => one.textContent === label).control
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text)
      input.dispatchEvent(new Event('input', { bubbles: true }))
    }`)
  await page.getByText(/There are no samples .*never given/).waitFor()
  for (const [label, text] of [
    ['Name', 'numbers'],
    ['Name like', 's?.txt'],
    ['Tag', 'never given'],
  ] as const)
    assert.equal(await page.getByLabel(label, { exact: true }).inputValue(), text)
  await page.context().close()
})

test('a hunt that is being written survives a reload and going back, and none begins over nothing', {
  skip,
}, async () => {
  const page = await web.open('/new-hunt')
  const line = page.locator('.cm-line', { hasText: 'kept over a reload' })
  await page.getByText(`${SAMPLES} samples selected`).waitFor()
  await writeRules(page, 'rule kept { condition: filesize == 0 } // kept over a reload')
  await page.getByLabel('Tag').fill('never given')
  await page.getByText('There are no samples tagged never given: there is nothing to hunt over.').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Hunt', exact: true }).isDisabled())
  assert.deepEqual(await accessibilityProblems(page), [])

  await page.reload()
  await line.waitFor()
  await page.getByText(/Your unsaved text of .* is back/).waitFor()
  assert.equal(await page.getByLabel('Tag').inputValue(), 'never given')
  await page.getByRole('link', { name: 'Samples', exact: true }).click()
  await page.getByRole('heading', { name: 'Samples' }).waitFor()
  await page.goBack()
  await line.waitFor()
  assert.equal(await page.getByLabel('Tag').inputValue(), 'never given')

  // The types to choose from are those that there are.
  await page.getByLabel('Tag').fill('')
  await page.getByRole('button', { name: 'Type', exact: false }).filter({ hasText: 'all' }).click()
  await page.getByRole('option', { name: 'Text', exact: true }).click()
  await page.getByText(`${SAMPLES} samples selected`).waitFor()
  await page.getByRole('button', { name: 'Begin with an empty text' }).click()
  await line.waitFor({ state: 'detached' })

  // One that was made over nothing by a script says so too.
  const { json } = await web.server.post('/api/hunts/', {
    json: {
      rules: [{ name: 'any', content: 'rule all_of_them { condition: true }' }],
      selection: { tags: ['never given'] },
    },
  })
  await page.goto(`${new URL(page.url()).origin}/hunts/${json.id}`)

  await page.getByText('Nothing was selected', { exact: true }).waitFor()
  await page.context().close()
})
