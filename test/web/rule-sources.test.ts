import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { lacking, Repository, RuleServer } from '../rule-sources/rule-server.ts'
import { accessibilityProblems, skip as noBrowser, WebTest } from './browser.ts'

const skip = noBrowser || lacking
const finds = (rule: string, text = `${rule} is looked for`) =>
  `rule ${rule} { strings: $a = "${text}" condition: $a }\n`

let rules: RuleServer
let web: WebTest
before(async () => {
  if (skip) return
  rules = await RuleServer.start()
  web = await WebTest.start({
    ruleSourceHosts: ['localhost'],
    ruleSourceNetworks: ['127.0.0.1', '::1'],
    ruleSourceCa: rules.ca,
  })
  web.server.appliance.ruleSources.start()
  await web.server.upload('a sample in which first is looked for', 'sample.txt')
})
after(async () => {
  await web?.stop()
  await rules?.stop()
})
afterEach(() => web?.assertNoComplaints())

test('a source is added with a preview, imported, followed after an edit, and removed', {
  skip,
  timeout: 300_000,
}, async () => {
  const repository = new Repository(rules, 'team/rules.git')
  repository.commit({
    'first.yar': finds('first'),
    'broad.yar': 'rule broad { condition: filesize > 0 }',
    'bad.yar': 'rule bad { condition: $nowhere }',
  })
  const page = await web.open('/rulesets')
  page.setDefaultTimeout(60_000)
  await page.getByRole('link', { name: 'Sources', exact: true }).click()
  await page.getByText('No sources yet').waitFor()
  await page.getByRole('button', { name: 'Add a source' }).first().click()
  await page.getByLabel('Address').fill('https://elsewhere.example/rules.git')
  await page.getByRole('button', { name: 'Add and preview' }).click()
  await page.getByText(/elsewhere\.example: it is not one of/).waitFor()
  await page.getByLabel('Address').fill(rules.url(repository.path))
  await page.getByRole('button', { name: 'Add and preview' }).click()

  await page.getByRole('heading', { name: 'team/rules' }).waitFor()
  const preview = page.getByRole('region', { name: 'What a synchronization would bring' }).first()
  await preview.getByText(/^bad\.yar:1:23: /).waitFor()
  await preview.getByText('a tenth and more for broad').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  assert.equal((await web.server.get('/api/rulesets/first/')).status, 404)

  await page.getByRole('button', { name: 'Import' }).click()
  const files = page.getByRole('region', { name: 'Files', exact: true })
  await files.getByRole('link', { name: 'first' }).waitFor()
  await files.getByText('not imported').waitFor()
  await page.getByText('up to date').waitFor()

  await files.getByRole('link', { name: 'first' }).click()
  await page.getByRole('link', { name: /^Revisions/ }).click()
  await page.getByText(/^from team\/rules, [0-9a-f]{12}$/).waitFor()
  await web.server.saveRuleset('first', finds('first', 'edited here'), 'ana')
  repository.commit({ 'first.yar': finds('first', 'changed there'), 'broad.yar': finds('broad') })

  await page.goto(`${web.server.url}/rule-sources`)
  await page.getByRole('button', { name: 'Synchronize team/rules now' }).click()
  await page.getByRole('link', { name: 'team/rules' }).click()
  await files.getByText('edited here: left alone').waitFor()
  await page.getByRole('button', { name: 'Take all from the source' }).click()
  await page.getByRole('button', { name: 'Overwrite' }).click()
  await files.getByText('edited here: left alone').waitFor({ state: 'detached' })
  const { json } = await web.server.get('/api/yara/ruleset/content/?name=first')
  assert.equal(json.detail.content, finds('first', 'changed there'))

  rules.answer('team/rules.git/*', (_request, response) => response.writeHead(500).end())
  await page.getByRole('button', { name: 'Sync now' }).click()
  await page.getByText(/500/).first().waitFor()
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await page.getByRole('button', { name: 'Remove with the rulesets' }).click()
  await page.getByText('No sources yet').waitFor()
  assert.equal((await web.server.get('/api/rulesets/first/')).status, 404)
})
