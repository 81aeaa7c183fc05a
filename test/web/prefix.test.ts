/** The web application below a path that a proxy shows it under. */
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { passwords, TestServer } from '../http/harness.ts'
import { fittingWays, PREFIX, PrefixProxy } from '../http/prefix-proxy.ts'
import { skip, Watched, writeRules } from './browser.ts'

const pages = ['Samples', 'Rulesets', 'Matches', 'Local Retro', 'Hunts', 'Administration', 'Overview']

let browser: Watched
before(async () => {
  if (!skip) browser = await Watched.start()
})
after(() => browser?.stop())

for (const [at, { title, ways, settings }] of fittingWays.entries()) {
  // What a page asks for is the same behind each of them, and so are the addresses of the reference, in `test/http/prefix.test.ts`.
  const hasAllPages = at === 0 || process.env.BACKTRAIL_LONG === '1'
  test(`behind a proxy that ${title}, the application works and stays below its path`, { skip }, async (t) => {
    const { proxy, server } = await behind(t, ways, settings)
    const context = await browser.profile(new URL(proxy.url).origin)
    // The reference page alone is 1.4 MB of script.
    context.setDefaultTimeout(60_000)
    // It draws all endpoints at once, which takes it many seconds.
    await context.route('**/api/docs/json', async (route) => {
      const response = await route.fetch()
      const document = await response.json()
      const paths = Object.fromEntries(Object.entries(document.paths).slice(0, 2))
      await route.fulfill({ response, json: { ...document, paths } })
    })
    const page = await context.newPage()

    // A deep address, then the log-in that leads back to it, then every page by its link.
    await page.goto(`${proxy.url}/samples?filename=none`)
    await page.getByLabel('User').fill('ana')
    await page.getByLabel('Password').fill(passwords.ana)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { level: 1, name: 'Samples' }).waitFor()
    assert.equal(page.url(), `${proxy.url}/samples?filename=none`)
    for (const name of hasAllPages ? pages : ['Matches', 'Overview']) {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
      await page.getByRole('heading', { level: 1, name }).waitFor()
    }
    assert.equal(page.url(), `${proxy.url}/`)

    // A hunt that is told about by events, a sample of its results, and a download.
    const sha1 = await server.upload('the words to find', 'found.txt')
    await page.goto(`${proxy.url}/new-hunt`)
    await writeRules(page, 'rule words { strings: $a = "the words" condition: $a }')
    await page.getByRole('button', { name: 'Hunt', exact: true }).click()
    await page.getByRole('link', { name: 'found.txt' }).first().click()
    await page.getByRole('heading', { level: 1, name: 'found.txt' }).waitFor()
    assert.ok(page.url().startsWith(`${proxy.url}/samples/`), page.url())
    const download = page.getByRole('link', { name: 'Raw', exact: true })
    assert.equal(await download.getAttribute('href'), `${PREFIX}/api/samples/${sha1}/download/`)
    await page.reload()
    await page.getByRole('heading', { level: 1, name: 'found.txt' }).waitFor()

    await page.goto(`${proxy.url}/no/such/page`)
    await page.getByText('There is no page at this address').waitFor()
    if (hasAllPages) {
      await page.goto(`${proxy.url}/api/docs/`)
      await page.getByRole('heading', { name: /Backtrail/ }).waitFor()
    }
    assert.deepEqual(proxy.strays, [])
    browser.assertNoComplaints()
    await context.close()
  })
}

async function behind(
  t: TestContext,
  ways: Parameters<typeof PrefixProxy.start>[1],
  settings: Parameters<typeof TestServer.start>[0],
): Promise<{ server: TestServer; proxy: PrefixProxy }> {
  const server = await TestServer.start(settings)
  t.after(() => server.stop())
  const proxy = await PrefixProxy.start(server.url, ways)
  t.after(() => proxy.stop())
  return { server, proxy }
}
