/** Shared rulesets: the button that publishes, the two texts of one that is out of sync, and the manager's appliances. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { newNonce } from '../../src/manager-protocol/index.ts'
import { accessibilityProblems, skip, WebTest } from './browser.ts'

const rule = (text: string) => `rule shared { strings: $a = "${text}" condition: $a }\n`

let manager: WebTest
let web: WebTest
before(async () => {
  if (skip) return
  manager = await WebTest.start({ role: 'manager' })
  const token = await manager.server.appliance.manager.add('here')
  web = await WebTest.start({ managerUrl: manager.server.url, managerToken: token, syncPublishers: 'users' })
  web.server.appliance.publishing.start()
  await web.server.saveRuleset('shared_rules', rule('first'), 'ana')
})
after(async () => {
  await web?.stop()
  await manager?.stop()
})
afterEach(() => {
  web?.assertNoComplaints()
  manager?.assertNoComplaints()
})

/** As another appliance would publish it. */
async function publishElsewhere(content: string): Promise<void> {
  const { manager: log } = manager.server.appliance
  const newest = (await log.shared()).find(({ name }) => name === 'shared_rules')
  const replaces = newest?.sequence ?? 0
  const change = {
    change: randomUUID(),
    name: 'shared_rules',
    replaces,
    enabled: true,
    author: 'eve',
    deleted: false,
    text: content,
  }
  const answer = await log.publish({ id: 99, name: 'elsewhere' }, { nonce: newNonce(), known: 0, chain: '', ...change })
  assert.equal(answer.kind, 'accepted')
}

test('a ruleset is published with its button, and one that is out of sync shows both texts, of which a person takes one', {
  skip,
}, async () => {
  const page = await web.open('/rulesets/shared_rules')
  await page.getByRole('button', { name: 'Publish', exact: true }).click()
  await page.getByText('Ruleset published successfully.').waitFor()
  await page.getByRole('link', { name: 'in sync' }).waitFor()

  await web.server.saveRuleset('shared_rules', rule('here'), 'ana')
  await publishElsewhere(rule('elsewhere'))
  await page.goto(`${web.server.url}/shared-rulesets`)
  await page.getByText('somebody has to decide').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('link', { name: 'shared_rules' }).click()
  await page.getByText('published by eve on elsewhere').waitFor()
  await page.getByLabel('The text here').getByText('here').first().waitFor()
  await page.getByLabel('The shared text').getByText('elsewhere').first().waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('button', { name: 'Take the shared text' }).click()
  await page.getByRole('button', { name: 'Take', exact: true }).click()
  await page.getByText('shared_rules is as it is shared.').waitFor()
  assert.equal(await web.server.appliance.rulesets.content('shared_rules'), rule('elsewhere'))

  await web.server.saveRuleset('shared_rules', rule('mine'), 'ana')
  await page.reload()
  await page.getByRole('button', { name: 'Publish the text here' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click()
  await page.getByText('shared_rules is published.').waitFor()
  const [newest] = await manager.server.appliance.manager.shared()
  const text = await manager.server.appliance.manager.text(newest?.digest ?? '')
  assert.equal(Buffer.concat(await text.toArray()).toString(), rule('mine'))
})

test('rulesets that were chosen are switched off on all appliances where that is asked for', { skip }, async () => {
  for (const name of ['chosen_a', 'chosen_b']) await web.server.saveRuleset(name, rule(name), 'ana')
  const page = await web.open('/rulesets?search=chosen_')
  const bar = page.getByRole('region', { name: 'What to do with the chosen rows' })
  const state = async () =>
    (await manager.server.appliance.manager.shared())
      .filter(({ name }) => name.startsWith('chosen_'))
      .map(({ name, enabled }) => `${name} ${enabled}`)
  const switchOff = async (name: string) => {
    await page.getByRole('checkbox', { name: `Choose ${name}`, exact: true }).click()
    await bar.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('1 ruleset is disabled.').first().waitFor()
  }
  await switchOff('chosen_a')
  assert.deepEqual(await state(), [])
  await page.getByRole('checkbox', { name: 'Choose chosen_b', exact: true }).click()
  await bar.getByText('On all appliances').click()
  assert.deepEqual(await accessibilityProblems(page), [])
  await bar.getByRole('button', { name: 'Disable' }).click()
  await page
    .getByRole('switch', { name: /chosen_b/ })
    .and(page.locator(':not(:checked)'))
    .waitFor()
  await page.waitForFunction(`!document.querySelector('[aria-label="What to do with the chosen rows"]')`)
  assert.deepEqual(await state(), ['chosen_b false'])
})

test('the manager shows its appliances with their states, and gives tokens', { skip }, async () => {
  const { users, credentials } = manager.server.appliance.accounts
  await users.setRole('ana', 'administrator')
  await credentials.clearCache()
  const page = await manager.open('/appliances')
  const row = (name: string) => page.getByRole('row').filter({ has: page.getByText(name, { exact: true }) })
  await row('here').getByText('in sync').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByRole('button', { name: 'Add an appliance' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('there')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByText('It is shown this once.').waitFor()
  await page.getByRole('button', { name: 'Done' }).click()
  await row('there').getByText('pending').waitFor()
  await page.getByRole('button', { name: 'Disable there' }).click()
  await row('there').getByText('disabled').waitFor()
  await page.getByRole('button', { name: 'Remove there' }).click()
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await row('there').waitFor({ state: 'detached' })
})

test('an appliance without a manager shows no way to publish', { skip }, async () => {
  const alone = await WebTest.start()
  await alone.server.saveRuleset('own_rules', rule('own'), 'ana')
  const page = await alone.open('/rulesets/own_rules')
  await page.getByRole('switch', { name: 'own_rules is enabled' }).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Publish', exact: true }).count(), 0)
  await page.goto(`${alone.server.url}/shared-rulesets`)
  await page.getByText('This appliance shares no rulesets').waitFor()
  alone.assertNoComplaints()
  await alone.stop()
})
