/** More matches than a page shows, chosen together by their filter. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

const SAMPLES = 1_300
/** Each on every sample. */
const RULES = 9
/** That found all of them. */
const RUN = 77

const aboutItself = `rule rule_1 {
  meta: author = "Ada" reference = "https://example.org/report" odd = "javascript:alert(1)"
  condition: false
}`

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.saveRuleset('many', aboutItself, 'ana')
  await web.server.saveRuleset('many_too', 'rule too { condition: false }', 'ana')
  fill(web.server.databaseFile)
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

/** Straight into the tables: taking in and matching so many would take minutes. */
function fill(path: string): void {
  const database = new DatabaseSync(path)
  try {
    const numbers = 'WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)'
    database.exec('BEGIN')
    database
      .prepare(
        `${numbers} INSERT INTO samples (id, sha256, sha1, md5, sha512, size, stored, state, file_type,
           type_description, name, first_seen, last_seen, processed_at, extracted_file_count, classification, risk_score)
         SELECT n, randomblob(32), randomblob(20), randomblob(16), randomblob(64), 1000 + n, 1, 'processed', 'Text/None',
           'made up', 'sample-' || n, n, n, n, 0, 0, 0 FROM numbers`,
      )
      .run(SAMPLES)
    const insert = database.prepare(
      `${numbers} INSERT INTO matches (ruleset_id, sample_id, rule, created) SELECT 1, n, ?, ? + n FROM numbers`,
    )
    for (let rule = 1; rule <= RULES; rule++) insert.run(SAMPLES, `rule_${rule}`, rule * 1_000_000)
    database.exec(`INSERT INTO hunts (id, kind, state, started_by, created, started, stopped)
      VALUES (${RUN}, 'local-retro', 'completed', 1, 1, 1, 2)`)
    database.exec(`INSERT INTO retro_matches (hunt_id, match_id) SELECT ${RUN}, id FROM matches`)
    database.exec("INSERT INTO matches (ruleset_id, sample_id, rule, created) SELECT 2, id, 'too', id FROM samples")
    database.exec('COMMIT')
  } finally {
    database.close()
  }
}

test('all matches that fit are chosen at once, up to what one request takes, and exported', { skip }, async () => {
  const page = await web.open('/matches?ruleset=many')
  await page.getByText(`${(SAMPLES * RULES).toLocaleString('en')} matches, newest first`).waitFor()
  await page.getByRole('checkbox', { name: 'Choose all rows of this page' }).check()
  const bar = page.getByRole('region', { name: 'What to do with the chosen rows' })
  await bar.getByText('100 matches of 100 samples chosen').waitFor()
  await bar.getByRole('button', { name: 'Choose all that fit' }).click()
  await bar.getByText('The newest 10,000 matches of 1,300 samples chosen').waitFor()
  await bar.getByText(/More fit than the 10,000 that are taken at a time/).waitFor()
  assert.equal(await bar.getByRole('button', { name: /Protected zip: up to 1,000/ }).isDisabled(), true)
  assert.deepEqual(await accessibilityProblems(page), [])
  await bar.getByRole('button', { name: 'Export' }).click()
  const downloading = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'CSV' }).click()
  const lines = readFileSync(await (await downloading).path(), 'utf8')
    .trimEnd()
    .split('\r\n')
  assert.equal(lines.length, 1 + 10_000)

  // Another choice of rows is a choice of rows again.
  await page.getByRole('checkbox', { name: 'Choose rule_9 on sample-1300' }).uncheck()
  await bar.getByText('99 matches of 99 samples chosen').waitFor()
  await page.context().close()
})

test('a long list loads as it is scrolled, and draws only the rows in sight', { skip }, async () => {
  const page = await web.open('/matches?ruleset=many')
  const table = page.getByRole('table', { name: 'Matches' })
  await table.getByRole('link', { name: 'sample-1300' }).first().waitFor()
  const region = page.getByRole('region', { name: 'Matches', exact: true })
  await region.hover()
  await page.locator(`table[aria-rowcount="${SAMPLES * RULES + 1}"]`).waitFor()
  const shown = page.getByText(/matches shown/)
  for (const loaded of ['600', '1,100', '1,600']) {
    await page.mouse.wheel(0, 1_000_000)
    await page.getByText(`${loaded} matches shown`).waitFor()
    const drawn = await table.getByRole('row').count()
    assert.ok(drawn < 100, `${drawn} rows are drawn of those of ${await shown.textContent()}`)
  }
  // A row keeps the focus when it is scrolled out of sight.
  const focused = () => page.evaluate<string>('document.activeElement.getAttribute("aria-label")')
  const last = await table.getByRole('checkbox').last().getAttribute('aria-label')
  await table.getByRole('checkbox').last().focus()
  await page.mouse.wheel(0, -1_000_000)
  await table.getByRole('link', { name: 'sample-1300' }).first().waitFor()
  assert.equal(await focused(), last)
  assert.ok((await table.getByRole('row').count()) < 100)
  await page.keyboard.press('Tab')
  assert.notEqual(await focused(), last)

  // Another question is answered from its first row on.
  await page.getByRole('searchbox', { name: 'Search rule names' }).fill('rule_')
  await page.getByText('100 matches shown').waitFor()
  await table.getByRole('link', { name: 'sample-1300' }).first().waitFor()
  assert.equal(await page.evaluate(`document.querySelector('[data-portioned="true"]').scrollTop`), 0)
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('searchbox', { name: 'Search rule names' }).fill('')

  // From the other end, by the head of the column.
  await page.getByRole('button', { name: 'Recorded' }).click()
  await page.getByText(/oldest first/).waitFor()
  await table.getByText('sample-1', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Size', exact: true }).click()
  await page.getByText(`${(SAMPLES * RULES).toLocaleString('en')} matches, sorted by size`, { exact: true }).waitFor()
  await region.hover()
  await page.mouse.wheel(0, 1_000_000)
  await page.getByText('600 matches shown').waitFor()
  await page.getByRole('button', { name: 'Rule', exact: true }).click()
  await page.getByText(`${(SAMPLES * RULES).toLocaleString('en')} matches, sorted by rule`, { exact: true }).waitFor()
  for (const loaded of ['600', '1,100', '1,600']) {
    await region.hover()
    await page.mouse.wheel(0, 1_000_000)
    await page.getByText(`${loaded} matches shown`).waitFor()
  }
  await page.mouse.wheel(0, 1_000_000)
  await table
    .getByRole('checkbox', { name: /^Choose rule_2 on/ })
    .first()
    .waitFor()
  await page.context().close()
})

test('every order goes on to the last of all, also of a run and of rulesets together', { skip }, async () => {
  const sizes = (rows: readonly Found[]) => rows.map(({ file_size }) => file_size)
  const lists = [
    ['ruleset=many', ['name', 'size'], SAMPLES * RULES],
    [`run=${RUN}`, ['threat'], SAMPLES * RULES],
    ['ruleset=many&ruleset=many_too&together=true', ['rule'], SAMPLES * (RULES + 1)],
  ] as const
  for (const [list, orders, all] of lists) {
    for (const order of orders) {
      const { rows, pages } = await inOrder(`${list}&order=${order}&descending=false&limit=500`)
      assert.deepEqual([rows.length, new Set(rows.map(({ id }) => id)).size], [all, all], `${list} by ${order}`)
      assert.ok(pages > 20, `${pages} pages of ${list} by ${order}`)
      if (order === 'size')
        assert.deepEqual(
          sizes(rows),
          sizes(rows).toSorted((a, b) => a - b),
          list,
        )
    }
  }

  // On the page of the run as well.
  const page = await web.open(`/retro/${RUN}?order=size&descending=false`)
  await page.getByRole('table', { name: 'Matches' }).getByText('sample-1', { exact: true }).first().waitFor()
  assert.equal(await page.getByText(/10,000 at most/).count(), 0)
  await page.context().close()
})

interface Found {
  readonly id: number
  readonly file_size: number
}

async function inOrder(query: string): Promise<{ readonly rows: readonly Found[]; readonly pages: number }> {
  const rows: Found[] = []
  let pages = 0
  for (let after: unknown = null; after !== null || pages === 0; pages++) {
    const behind = after === null ? '' : `&after=${encodeURIComponent(String(after))}`
    const { json } = await web.server.get(`/api/matches/?${query}${behind}`)
    rows.push(...json.results)
    after = json.next_after
  }
  return { rows, pages }
}

test('matches are shown by rule, with what the rule says about itself, and by sample', { skip }, async () => {
  const page = await web.open('/matches?ruleset=many')
  await page.getByRole('button', { name: /^Matches each by itself/ }).click()
  await page.getByRole('option', { name: 'by rule' }).click()
  const rules = page.getByRole('table', { name: 'Rules with matches' })
  await rules.getByText('rule_1', { exact: true }).click()
  await rules.getByText('Ada').waitFor()
  const link = rules.getByRole('link', { name: 'https://example.org/report' })
  assert.match((await link.getAttribute('rel')) ?? '', /noopener/)
  await rules.getByText('javascript:alert(1)').waitFor()
  assert.equal(await rules.getByRole('link', { name: /javascript/ }).count(), 0)
  await rules.getByText('rule_2', { exact: true }).click()
  await rules.getByText('Its ruleset has no such rule now.').waitFor()
  assert.equal(await rules.getByRole('row').count(), 1 + RULES)
  assert.deepEqual(await accessibilityProblems(page), [])
  await rules.getByRole('link', { name: '1,300 matches of rule_1' }).click()
  await page.getByText('of the rule rule_1').waitFor()
  await page.getByText('100 matches shown of 1,300').waitFor()

  // What is asked of the samples of a group, and what was asked before.
  await page.goto(`${web.server.url}/matches?ruleset=many&by=sample&query=size:1001%20OR%20size:2300`)
  const samples = page.getByRole('table', { name: 'Samples with matches' })
  await samples.getByRole('link', { name: '9 matches of sample-1300' }).click()
  await page.getByText('9 matches shown, that is all').waitFor()

  // The language of queries, with its error below the bar.
  const query = page.getByRole('searchbox', { name: 'Samples that fulfil a query' })
  await query.fill('size:<1003')
  await page.getByText('18 matches shown, that is all').waitFor()
  await query.fill('size:')
  await page.locator('code', { has: page.locator('mark') }).waitFor()
  await page.context().close()
})

test('columns are chosen, remembered, and hidden ones are told', { skip }, async () => {
  const page = await web.open('/matches?ruleset=many', { viewport: { width: 1_150, height: 900 } })
  const heads = () => page.getByRole('table', { name: 'Matches' }).getByRole('columnheader').allTextContents()
  await page.getByRole('button', { name: 'Columns (2 hidden)' }).click()
  assert.ok(!(await heads()).includes('Threat'))
  await page.getByRole('menuitemcheckbox', { name: 'Threat' }).click()
  await page.getByRole('menuitemcheckbox', { name: 'Type' }).click()
  await page.keyboard.press('Escape')
  await page.reload()
  await page.getByRole('button', { name: 'Columns (2 hidden)' }).waitFor()
  await page.getByRole('table', { name: 'Matches' }).getByRole('link').first().waitFor()
  const shown = await heads()
  assert.ok(shown.includes('Threat') && !shown.includes('Type'), shown.join())

  // What was not chosen follows the window.
  await page.setViewportSize({ width: 1_600, height: 900 })
  await page.getByRole('button', { name: 'Columns (1 hidden)' }).waitFor()
  assert.ok((await heads()).includes('SHA-1'))
  await page.context().close()
})

test('all samples of a filter are tagged at once', { skip }, async () => {
  const page = await web.open('/matches?ruleset=many&rule=rule_')
  await page.getByText('100 matches shown of more than 10,000').waitFor()
  await page.goto(page.url().replace('rule=rule_', 'rule=rule_3'))
  await page.getByText('100 matches shown of 1,300').waitFor()
  await page.getByRole('checkbox', { name: 'Choose all rows of this page' }).check()
  const bar = page.getByRole('region', { name: 'What to do with the chosen rows' })
  await bar.getByRole('button', { name: 'Choose all that fit' }).click()
  await bar.getByText('All 1,300 matches of 1,300 samples chosen').waitFor()
  await bar.getByRole('button', { name: 'Tag' }).click()
  await page.getByRole('dialog').getByLabel('Tags').fill('seen')
  await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click()
  await page.getByText('Tagged 1,300 samples.').waitFor({ timeout: 30_000 })
  const database = new DatabaseSync(web.server.databaseFile, { readOnly: true })
  const { tagged } = database.prepare("SELECT count(*) AS tagged FROM tags WHERE tag = 'seen'").get() as {
    tagged: number
  }
  database.close()
  assert.equal(tagged, SAMPLES)
  await page.context().close()
})

test('while somebody chooses rows, no new ones come in among them', { skip }, async () => {
  const page = await web.open('/matches?ruleset=many')
  await page.clock.install()
  await page.reload()
  let looks = 0
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/api/matches/') looks++
  })
  const row = page.getByRole('checkbox', { name: 'Choose rule_9 on sample-1300' })
  const nextLook = async () => {
    const look = page.waitForResponse((answer) => new URL(answer.url()).pathname === '/api/matches/')
    await page.clock.fastForward(3_000)
    await look
  }
  await row.waitFor()
  await nextLook()
  await row.check()
  looks = 0
  await page.clock.fastForward(3_000)
  await row.uncheck()
  for (let look = 0; look < 2; look++) await nextLook()
  assert.equal(looks, 2)
  await page.context().close()
})

test('the overview has every rule that matched today, however many newer matches another one has', {
  skip,
}, async () => {
  const database = new DatabaseSync(web.server.databaseFile)
  const insert = database.prepare(
    'INSERT INTO matches (ruleset_id, sample_id, rule, cloud, created) SELECT 1, id, ?, ?, ? FROM samples WHERE id > ? LIMIT ?',
  )
  const now = Date.now() * 1_000
  database.exec('BEGIN')
  insert.run('busy', 0, 1, 300, 1_000)
  insert.run('busy', 1, 1, 0, 1_300)
  insert.run('rare', 0, now, 0, 1)
  insert.run('busy', 0, now, 0, 300)
  database.exec('COMMIT')
  database.close()
  const page = await web.open('/')
  const today = page.getByRole('region', { name: 'Matched today' })
  await today.getByRole('link', { name: /^busy\s*300 matches$/ }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await today.getByRole('link', { name: /^rare\s*1 match$/ }).click()
  await page.getByText('of the rule rare').waitFor()
  await page.getByText('1 match shown, that is all').waitFor()
  await page.context().close()
})
