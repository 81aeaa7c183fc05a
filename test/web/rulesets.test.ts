import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { passwords } from '../http/harness.ts'
import { accessibilityProblems, skip, WebTest, writeRules } from './browser.ts'

const rule = (condition: string) =>
  `rule needle {\n  strings:\n    $a = "needle in here"\n  condition:\n    ${condition}\n}\n`

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.upload('some text with a needle in here', 'hay.txt')
  await web.server.upload('some text without any', 'straw.txt')
  await web.server.saveRuleset('kept_by_ana', rule('$a'), 'ana')
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

test('a rule is written with an error, marked at its place, mended, explained, tried and saved', { skip }, async () => {
  const page = await web.open('/rulesets')
  await page.getByRole('link', { name: 'New ruleset' }).click()
  await page.getByLabel('Name', { exact: true }).fill('found_by_ana')
  await writeRules(page, rule('$a and'))

  const problems = page.getByRole('region', { name: 'Problems' })
  await problems.getByText('1 error').waitFor()
  const marked = page.locator('.cm-lintRange-error')
  await marked.first().waitFor()
  const line = await page.evaluate(
    `document.querySelector('.cm-lintRange-error').closest('.cm-line').textContent.trim()`,
  )
  assert.ok(line === '}' || line === '$a and', `marked in the line ${JSON.stringify(line)}`)

  // What only the engine can find is marked too.
  await writeRules(page, rule('$a and nothing_known'))
  await page.locator('.cm-lintRange-error', { hasText: 'nothing_known' }).waitFor()
  await problems.getByRole('button', { name: /nothing_known|unknown identifier/ }).click()

  await writeRules(page, rule('$a'))
  await problems.getByText('It compiles').waitFor()
  const meaning = page.getByRole('complementary', { name: 'What the text means' })
  await meaning.getByText('$a', { exact: true }).first().waitFor()
  await meaning.getByText(/1 sample of 2/).waitFor()

  await page.getByText('2 samples selected').waitFor()
  await page.getByRole('button', { name: 'Hunt', exact: true }).click()
  const trial = page.getByRole('region', { name: 'Run', exact: true })
  await trial.getByRole('link', { name: 'hay.txt' }).waitFor()
  await trial.getByText(/^1 match in 2 samples/).waitFor()
  await trial.locator('mark', { hasText: 'needle in here' }).waitFor()

  await page.getByRole('button', { name: 'On', exact: false }).filter({ hasText: 'everything' }).click()
  await page.getByRole('option', { name: 'goodware only' }).click()
  await page.getByText('There is no goodware to test rules on').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Hunt', exact: true }).isDisabled())

  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText(/found_by_ana is saved and enabled/).waitFor()
  await page.getByRole('heading', { name: 'found_by_ana', level: 1 }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/rulesets/found_by_ana')
  const { json } = await web.server.get('/api/yara/ruleset/content/?name=found_by_ana')
  assert.equal(json.detail.content, rule('$a'))
  await page.context().close()
})

test('rules that match goodware are not saved by accident, and what compiles of a broken text runs', {
  skip,
}, async () => {
  const { json: found } = await web.server.get('/api/samples/?q=hay.txt')
  const hash_values = [found.results[0].sha256]
  await web.server.post('/api/samples/selection/tags/', { json: { hash_values, add: ['goodware'] } })
  const page = await web.open('/new-ruleset')
  await page.getByLabel('Name', { exact: true }).fill('checked_first')
  await writeRules(page, `${rule('$a')}\nrule broken { condition: nothing_known }`)
  await page.locator('.cm-lintRange-error').first().waitFor()
  await page.getByRole('checkbox', { name: 'Run what compiles' }).check()
  await page.getByRole('checkbox', { name: 'Check goodware before saving' }).check()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  const question = page.getByRole('dialog', { name: 'Save rules that match goodware?' })
  await question.getByText('1 match on goodware').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await question.getByRole('button', { name: 'Keep it as it is' }).click()
  assert.equal((await web.server.get('/api/rulesets/checked_first/')).status, 404)
  await page.getByRole('region', { name: 'Run', exact: true }).getByRole('link', { name: 'hay.txt' }).waitFor()

  // What is typed while goodware is checked was not checked: it is not saved, and it is not lost.
  const typed = Promise.withResolvers<void>()
  await page.route('**/api/hunts/', async (route) => {
    await typed.promise
    await route.continue()
  })
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('button', { name: 'Checking goodware …' }).waitFor()
  assert.ok(await page.getByRole('button', { name: 'Hunt', exact: true }).isDisabled())
  await page.getByRole('textbox', { name: 'YARA text' }).click()
  await page.keyboard.press('ControlOrMeta+End')
  await page.keyboard.insertText('\n// typed on')
  typed.resolve()
  await question.getByRole('button', { name: 'Save all the same' }).click()
  await page.getByText(/checked_first is saved and enabled.* Left out, since they do not compile: broken\./).waitFor()
  await page.getByRole('heading', { name: 'checked_first', level: 1 }).waitFor()
  const { json: stored } = await web.server.get('/api/yara/ruleset/content/?name=checked_first')
  assert.equal(stored.detail.content, `${rule('$a')}\nrule broken { condition: nothing_known }`)
  await page.getByText(/Your unsaved text of .* is back/).waitFor()
  await page.locator('.cm-line', { hasText: '// typed on' }).waitFor()
  // The choice is remembered.
  assert.ok(await page.getByRole('checkbox', { name: 'Check goodware before saving' }).isChecked())
  await page.context().close()
  await web.server.delete('/api/yara/ruleset/', { form: { name: 'checked_first' } })
})

test('unsaved text survives a reload, says so, and can be dropped', { skip }, async () => {
  const page = await web.open('/rulesets/kept_by_ana')
  const changed = rule('$a or filesize < 3')
  await writeRules(page, changed)
  await page.getByText('Not saved yet').waitFor()
  await page.reload()
  await page.getByText(/Your unsaved text of .* is back/).waitFor()
  await page.locator('.cm-line', { hasText: '$a or filesize < 3' }).waitFor()
  await page.getByRole('button', { name: 'Go back to what is saved' }).click()
  await page.locator('.cm-line', { hasText: '$a or filesize < 3' }).waitFor({ state: 'detached' })
  await page.reload()
  await page.locator('.cm-line', { hasText: 'condition' }).waitFor()
  assert.equal(await page.getByText(/Your unsaved text/).count(), 0)

  // The last words too, where a link inside the application is followed at once.
  for (const address of ['/rulesets/kept_by_ana', '/workbench']) {
    await page.goto(web.server.url + address)
    await page.getByRole('textbox', { name: 'YARA text' }).click()
    await page.keyboard.press('ControlOrMeta+End')
    await page.evaluate(`(async () => {
      document.execCommand('insertText', false, '// last words')
      await null
      document.querySelector('nav a[href="/samples"]').click()
    })()`)
    await page.getByRole('heading', { name: 'Samples', level: 1 }).waitFor()
    await page.goBack()
    await page.getByText(/Your unsaved text of .* is back/).waitFor()
    await page.locator('.cm-line', { hasText: '// last words' }).waitFor()
    await page.evaluate('localStorage.clear()')
  }
  await page.context().close()
})

test('a session that ends in the middle of a new ruleset takes neither its text nor its name', { skip }, async () => {
  const page = await web.open('/new-ruleset')
  await page.getByLabel('Name', { exact: true }).fill('kept_over_log_in')
  await writeRules(page, rule('$a'))
  await page.getByText('It compiles').waitFor()
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByLabel('User').fill('ana')
  await page.getByLabel('Password').fill(passwords.ana)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.locator('.cm-line', { hasText: 'needle in here' }).waitFor()
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'kept_over_log_in')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText(/kept_over_log_in is saved and enabled/).waitFor()
  await web.server.delete('/api/yara/ruleset/', { as: 'ana', form: { name: 'kept_over_log_in' } })
  await page.context().close()
})

test('of two who edit one ruleset, the second sees both texts and merges them; nothing is written over', {
  skip,
}, async () => {
  const text = (first: string, second: string) =>
    `rule first { strings: $a = "${first}" condition: $a }\n\n\nrule second { strings: $a = "${second}" condition: $a }\n`
  const content = async () =>
    (await web.server.get('/api/yara/ruleset/content/?name=edited_by_two')).json.detail.content
  await web.server.saveRuleset('edited_by_two', text('one', 'two'), 'ana')
  const page = await web.open('/rulesets/edited_by_two')
  const untouched = await web.open('/rulesets/edited_by_two')
  await untouched.locator('.cm-line', { hasText: '"two"' }).waitFor()
  await writeRules(page, text('by ana', 'two'))
  await page.getByText('Not saved yet').waitFor()
  await web.server.saveRuleset('edited_by_two', text('one', 'by admin'), 'admin')

  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText(/was changed meanwhile: revision 2 is current, and this text was made of revision 1/).waitFor()
  const conflict = page.getByRole('region', { name: 'admin saved revision 2 meanwhile' })
  await conflict.locator('.cm-deletedChunk', { hasText: 'by admin' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  assert.equal(await content(), text('one', 'by admin'))
  // A reload keeps the text, and what it was made of.
  await page.reload()
  await conflict.getByRole('button', { name: 'Merge both' }).click()
  await conflict.waitFor({ state: 'detached' })
  await page.getByText('The text has both changes now').waitFor()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('Revision 3 of edited_by_two is saved.').waitFor()
  assert.equal(await content(), text('by ana', 'by admin'))

  // Who has changed nothing gets the newest text, and nothing to save.
  await untouched.bringToFront()
  await untouched.reload()
  await untouched.locator('.cm-line', { hasText: '"by ana"' }).waitFor()
  assert.equal(await untouched.getByText('Not saved yet').count(), 0)

  // In the same place there is something to decide.
  await writeRules(page, text('ana again', 'by admin'))
  await web.server.saveRuleset('edited_by_two', text('admin again', 'by admin'), 'admin')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('button', { name: 'Merge both' }).click()
  await page.getByText('1 place was changed by both').waitFor()
  await page.locator('.cm-line', { hasText: '>>>>>>> revision 4' }).waitFor()

  // A new ruleset does not take the place of another of its name.
  const another = await web.open('/new-ruleset')
  await another.getByLabel('Name', { exact: true }).fill('edited_by_two')
  await writeRules(another, rule('$a'))
  await another.getByRole('button', { name: 'Save', exact: true }).click()
  await another.getByText('There is a ruleset edited_by_two already').waitFor()
  assert.equal(await content(), text('admin again', 'by admin'))
  for (const each of [page, untouched, another]) await each.context().close()
  await web.server.delete('/api/yara/ruleset/', { as: 'ana', form: { name: 'edited_by_two' } })
})

test('a revision shows what it changed and found, and an old one is restored', { skip }, async () => {
  const page = await web.open('/rulesets/kept_by_ana')
  await writeRules(page, rule('$a and filesize < 100'))
  const saves: string[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/api/yara/ruleset/')) saves.push(request.url())
  })
  for (let press = 0; press < 2; press++) await page.keyboard.press('ControlOrMeta+s')
  await page.getByText('Revision 2 of kept_by_ana is saved.').waitFor()
  assert.equal(saves.length, 1, 'a save that is under way is not begun again')
  await web.server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await web.server.appliance.localRetro.idle()

  await page.getByRole('link', { name: 'Revisions (2)' }).click()
  await page.getByRole('heading', { name: 'What changed from revision 1 to 2' }).waitFor()
  await page.locator('.cm-changedLine', { hasText: '$a and filesize < 100' }).waitFor()
  await page.locator('.cm-deletedChunk', { hasText: '$a' }).waitFor()
  await page.getByRole('button', { name: /Revision 2.*first found 1 match/s }).waitFor()
  await page.getByRole('link', { name: '1 × needle' }).click()
  await page.getByText('first found with revision 2').waitFor()
  await page.getByText('1 match shown').waitFor()
  await page.getByRole('button', { name: 'Of any revision' }).click()
  assert.match(page.url(), /matches\?ruleset=kept_by_ana&rule=needle$/)
  await page.goBack()
  await page.goBack()

  await page.getByRole('button', { name: /Revision 1/ }).click()
  assert.match(page.url(), /revision=1/)
  await page.getByRole('button', { name: 'Restore revision 1' }).click()
  await page.getByText('Revision 1 is restored as revision 3.').waitFor()
  await page.getByRole('link', { name: 'Revisions (3)' }).waitFor()
  const { json } = await web.server.get('/api/yara/ruleset/content/?name=kept_by_ana')
  assert.equal(json.detail.content, rule('$a'))
  await page.context().close()
})

test('a ruleset is switched off and on in the list, and only by who may', { skip }, async () => {
  const page = await web.open('/rulesets')
  const row = page.getByRole('row', { name: /kept_by_ana/ })
  await row.getByText('active').waitFor()
  await row.locator('label').click()
  await row.getByText('disabled').waitFor()
  assert.equal((await web.server.get('/api/rulesets/kept_by_ana/')).json.enabled, false)
  await row.locator('label').click()
  await row.getByText('active').waitFor()
  await page.context().close()

  const foreign = await web.open('/rulesets', { as: 'ben' })
  const toggle = foreign.getByRole('switch', { name: 'kept_by_ana is enabled' })
  await toggle.waitFor({ state: 'attached' })
  assert.equal(await toggle.isDisabled(), true)
  await foreign.context().close()
})

test('many rulesets are chosen, tagged, disabled and deleted at once; those of others are named and stay', {
  skip,
}, async () => {
  const names = ['bulk_a', 'bulk_b', 'bulk_c']
  for (const name of names) await web.server.saveRuleset(name, rule('$a'), 'ana')
  await web.server.saveRuleset('bulk_of_ben', rule('$a'), 'ben')
  const page = await web.open('/rulesets?search=bulk_')
  const bar = page.getByRole('region', { name: 'What to do with the chosen rows' })
  await page.getByRole('checkbox', { name: 'Choose bulk_a', exact: true }).click()
  await page.getByRole('checkbox', { name: 'Choose bulk_b', exact: true }).click()
  await bar.getByText('2 rulesets chosen').waitFor()
  await bar.getByRole('button', { name: 'Tag' }).click()
  await page.getByLabel('Tags').fill('loader, march')
  await page.keyboard.press('Enter')
  await page.getByText('2 rulesets are tagged.').waitFor()
  await page.getByRole('row', { name: /bulk_a loader, march/ }).waitFor()

  // All that the filter shows, with one that belongs to somebody else.
  await page.getByRole('checkbox', { name: 'Choose bulk_c', exact: true }).click()
  await bar.getByRole('button', { name: 'Choose all 4' }).click()
  await bar.getByText('4 rulesets chosen').waitFor()
  await bar.getByRole('button', { name: 'Disable' }).click()
  const failures = page.getByRole('dialog', { name: '1 ruleset stayed as it was' })
  await failures.getByText('3 rulesets are disabled.').waitFor()
  await failures.getByRole('listitem').filter({ hasText: 'bulk_of_ben: Unauthorized action' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await failures.getByRole('button', { name: 'Close' }).click()

  await page.getByRole('button', { name: /^Tag any/ }).click()
  await page.getByRole('option', { name: 'march' }).click()
  await page.getByText('2 rulesets with these filters').waitFor()
  await page.getByRole('checkbox', { name: 'Choose all rows of this page' }).click()
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    assert.deepEqual(await accessibilityProblems(page), [], scheme)
  }
  await bar.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('2 rulesets are deleted.').waitFor()
  const { json } = await web.server.get('/api/rulesets/?search=bulk_')
  assert.deepEqual(
    json.results.map(({ name, enabled }: { name: string; enabled: boolean }) => [name, enabled]),
    [
      ['bulk_c', false],
      ['bulk_of_ben', true],
    ],
  )
  await web.server.post('/api/rulesets/bulk/', { json: { action: 'delete', names: ['bulk_c', 'bulk_of_ben'] } })
  await page.context().close()
})

test('notes, tags and a last day are written down on the page of a ruleset, and others read them', {
  skip,
}, async () => {
  await web.server.saveRuleset('noted_by_ana', rule('$a'), 'ana')
  const page = await web.open('/rulesets/noted_by_ana?tab=notes')
  await page.getByLabel('Notes', { exact: true }).fill('From the incident in March.\nMisses packed ones.')
  await page.getByLabel('Tags').fill('incident, march')
  await page.getByLabel('Runs until the end of').fill('2099-03-31')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The notes of noted_by_ana are saved.').waitFor()
  await page.getByText('tags incident, march').waitFor()
  await page.getByText(/expires in \d+ years/).waitFor()
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    assert.deepEqual(await accessibilityProblems(page), [], scheme)
  }
  assert.equal((await web.server.get('/api/rulesets/noted_by_ana/')).json.expires, '2099-03-31T23:59:59.000000Z')
  await page.context().close()
  const other = await web.open('/rulesets/noted_by_ana?tab=notes', { as: 'ben' })
  assert.match(await other.getByLabel('Notes', { exact: true }).inputValue(), /Misses packed ones/)
  assert.equal(await other.getByRole('button', { name: 'Save' }).count(), 0)
  await other.context().close()
  await web.server.post('/api/rulesets/bulk/', { json: { action: 'delete', names: ['noted_by_ana'] } })
})

test('five thousand rulesets are listed page by page, found and sorted, each view with its own address', {
  skip,
}, async () => {
  const admin = await web.server.appliance.accounts.users.find('admin')
  // Straight into the domain's table: saving five thousand texts through the engine would take minutes.
  await fillWithRulesets(5_000, admin.id)
  const page = await web.open('/rulesets')
  await page.getByText('5,002 rulesets').waitFor()
  assert.equal(await page.getByRole('row').count(), 101)
  await page.getByRole('button', { name: 'Next page' }).click()
  await page.getByText('101–200 of 5,002').waitFor()
  assert.match(page.url(), /page=2/)
  await page.getByRole('searchbox', { name: 'Search names and owners' }).fill('many_4999')
  await page.getByRole('link', { name: 'many_4999' }).waitFor()
  await page.getByText('1 ruleset with these filters').waitFor()
  assert.match(page.url(), /search=many_4999/)
  await page.goBack()
  await page.goto(`${web.server.url}/rulesets?search=many_&order=name&descending=true`)
  await page.getByRole('link', { name: 'many_4999' }).waitFor()
  assert.equal(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort'), 'descending')
  await page.context().close()
})

async function fillWithRulesets(number: number, owner: number): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(web.server.databaseFile)
  try {
    const insert = database.prepare(
      `INSERT INTO rulesets (name, owner_id, enabled, state, created, modified) VALUES (?, ?, 0, 'valid', 1, 1)`,
    )
    database.exec('BEGIN')
    for (let i = 0; i < number; i++) insert.run(`many_${String(i).padStart(4, '0')}`, owner)
    database.exec('COMMIT')
  } finally {
    database.close()
  }
}
