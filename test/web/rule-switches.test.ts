/** The rules of a ruleset on its page: how much each matches, which are noisy, and a switch for each. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, test } from 'node:test'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

const finds = (rule: string, text: string) => `rule ${rule} : found { strings: $a = "${text}" condition: $a }\n`

let web: WebTest
before(async () => {
  if (skip) return
  web = await WebTest.start()
  await web.server.saveRuleset(
    'some_rules',
    finds('quiet', 'word') + finds('loud', 'word') + finds('idle', 'nowhere'),
    'ana',
  )
  await web.server.upload('a word', 'word.txt')
})
after(() => web?.stop())
afterEach(() => web?.assertNoComplaints())

/** Straight into the tables: a hundred samples would take longer to arrive. */
async function makeNoisy(rule: string): Promise<void> {
  const { id } = await web.server.appliance.rulesets.get('some_rules')
  const database = new DatabaseSync(web.server.databaseFile)
  database.exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100)
    INSERT INTO samples (sha256, sha1, size, stored, state, file_type, type_description, name, first_seen, last_seen,
      processed_at) SELECT randomblob(32), randomblob(20), 10, 1, 'processed', 'Text/None', '', 'made-' || n, n, n, n
    FROM numbers`)
  database
    .prepare(`INSERT INTO matches (ruleset_id, sample_id, rule, created)
      SELECT ?, id, ?, 1 FROM samples WHERE name GLOB 'made-*'`)
    .run(id, rule)
  database.close()
}

test('a noisy rule is seen in the list of rules, switched off, said to be off wherever it shows, and switched on again', {
  skip,
}, async () => {
  await makeNoisy('loud')
  const page = await web.open('/rulesets/some_rules')
  await page.getByRole('link', { name: 'Rules', exact: true }).click()
  const rows = page.getByRole('region', { name: 'Rules' }).getByRole('row')
  const row = (rule: string) => rows.filter({ has: page.getByText(rule, { exact: true }) })
  await row('loud').getByText('noisy').waitFor()
  await row('loud').getByRole('link', { name: '101 matches of loud' }).waitFor()
  assert.equal(await row('quiet').getByText('noisy').count(), 0)
  await page.getByRole('button', { name: 'Matches' }).click()
  await rows.nth(1).getByText('loud', { exact: true }).waitFor()
  await page.getByRole('searchbox', { name: 'Search rules' }).fill('loud')
  await row('quiet').waitFor({ state: 'detached' })

  await row('loud').getByText('on', { exact: true }).waitFor()
  await page.getByRole('switch', { name: 'loud reports matches' }).focus()
  await page.keyboard.press('Space')
  await row('loud')
    .getByText(/off by ana, .*; matches from before are kept/)
    .waitFor()
  await page.getByRole('link', { name: 'Rules (1 off)' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await web.server.upload('another word', 'word-2.txt')

  await page.getByRole('link', { name: 'Matches without those of the 1 rule switched off' }).click()
  await page.getByText('2 matches shown, that is all').waitFor()
  await page.getByRole('checkbox', { name: 'without rules switched off' }).click()
  await page.getByText('103 matches, newest first').waitFor()
  await page.goto(`${web.server.url}/rulesets`)
  await page.getByRole('link', { name: '1 rule off' }).click()
  await page.getByRole('switch', { name: 'loud reports matches' }).focus()
  await page.keyboard.press('Space')
  await row('loud').getByText('on', { exact: true }).waitFor()
  await web.server.upload('a third word', 'word-3.txt')
  await page.reload()
  await row('loud').getByRole('link', { name: '102 matches of loud' }).waitFor()
  await page.context().close()
})

test('the switches of another user’s rules are there to be read only', { skip }, async () => {
  const page = await web.open('/rulesets/some_rules?tab=rules', { as: 'ben' })
  assert.equal(await page.getByRole('switch', { name: 'quiet reports matches' }).isDisabled(), true)
  await page.context().close()
})

test('a sample is allowed for a rule on its page and among the matches, listed at the ruleset, and removed there', {
  skip,
}, async () => {
  await web.server.saveRuleset('allowing', finds('falsely', 'harmless') + finds('rightly', 'harmless'), 'ana')
  const first = await web.server.upload('a harmless one', 'harmless-1.txt')
  await web.server.upload('another harmless one', 'harmless-2.txt')
  const page = await web.open(`/samples/${first}`)
  await page.getByRole('button', { name: 'Allow this sample for falsely' }).click()
  await page.getByText('falsely of allowing will not match this sample again; this match is kept.').waitFor()

  await page.goto(`${web.server.url}/matches?ruleset=allowing&rule=falsely`)
  await page.getByRole('checkbox', { name: 'Choose falsely on harmless-2.txt' }).click()
  await page.getByRole('button', { name: 'Allow for their rules' }).click()
  await page.getByText(/1 match will not come again/).waitFor()

  await page.goto(`${web.server.url}/rulesets/allowing?tab=rules`)
  const list = page.getByRole('region', { name: 'Allow list' })
  await list.getByText('2 entries').waitFor()
  await list.getByRole('button', { name: 'allow a hash' }).click()
  await page.getByRole('option', { name: 'a file name' }).click()
  await list.getByRole('textbox', { name: 'Value' }).fill('Harmless-*.txt')
  await page.keyboard.press('Enter')
  await list.getByText('3 entries').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])

  const third = await web.server.upload('a third harmless one', 'harmless-3.txt')
  const rules = async () => {
    const { json } = await web.server.get(`/api/samples/${third}/details/`)
    return json.matches.map(({ rule }: { rule: string }) => rule)
  }
  assert.deepEqual(await rules(), ['rightly'])
  await list.getByRole('button', { name: 'Remove Harmless-*.txt from the allow list of falsely' }).click()
  await list.getByText('2 entries').waitFor()
  await page.context().close()
})
