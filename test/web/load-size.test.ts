import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { skip, WebTest } from './browser.ts'

const FIRST_LOAD_MOST = 400 * 1024

let web: WebTest
before(async () => {
  if (!skip) web = await WebTest.start()
})
after(() => web?.stop())

test('the first page loads less than 400 KB, compressed, and a second visit loads next to nothing', {
  skip,
}, async (t) => {
  const page = await web.open('/log-in', { as: null })
  const first = await loaded('/rulesets')
  assert.ok(first.bytes > 50_000, 'nothing was counted')
  assert.ok(first.bytes < FIRST_LOAD_MOST, `${first.bytes} bytes in ${first.files.join(', ')}`)
  assert.ok(!first.files.some((file) => /workbench|editor|codemirror/i.test(file)), first.files.join(', '))
  t.diagnostic(`first load: ${Math.round(first.bytes / 1024)} KB in ${first.files.length} files`)
  await page.context().close()

  async function loaded(address: string): Promise<{ bytes: number; files: string[] }> {
    const fresh = await web.open(address)
    await fresh.getByRole('heading', { name: 'Rulesets', exact: true }).waitFor()
    await fresh.waitForLoadState('networkidle')
    const entries = (await fresh.evaluate(
      `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .map(({ name, transferSize }) => [new URL(name).pathname, transferSize])`,
    )) as [string, number][]
    await fresh.reload()
    await fresh.waitForLoadState('networkidle')
    const again = (await fresh.evaluate(
      `performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/'))
        .reduce((sum, { transferSize }) => sum + transferSize, 0)`,
    )) as number
    assert.equal(again, 0, 'assets are kept')
    await fresh.context().close()
    return {
      bytes: entries.reduce((sum, [, size]) => sum + size, 0),
      files: entries.map(([name]) => name),
    }
  }
})
