/** The server is away just when a part of the application is first needed: the part comes by itself when it is back. */
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Page, Request } from 'playwright-core'
import { MortalServer } from '../faults/mortal-server.ts'
import { skip, Watched } from './browser.ts'
import { freePort, logInAsUser } from './mortal-pages.ts'

/** What Chromium itself says about requests that do not reach the server. */
const unreached = /^console: Failed to load resource: net::ERR_|^console: Unable to preload CSS/

/** A busy machine starts a server and loads eight pages in half a minute. */
const PATIENCE_MS = 60_000

let browser: Watched
before(async () => {
  if (!skip) browser = await Watched.start()
})
after(() => browser?.stop())

async function startServer(t: TestContext): Promise<MortalServer> {
  const server = new MortalServer(t, ['--port', String(await freePort())])
  await server.start()
  return server
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true })

test('pages that are first opened while the server is away come by themselves when it is back', { skip }, async (t) => {
  const server = await startServer(t)
  await server.demandRuleset('kept', 'rule kept { condition: false }')
  const context = await browser.profile(server.url)
  context.setDefaultTimeout(PATIENCE_MS)
  await logInAsUser(context, server, 'ana')
  const names = ['Samples', 'Rulesets', 'Matches', 'Local Retro', 'Hunts', 'Administration']
  const opened: [string, Page][] = []
  for (const name of names) {
    const page = await context.newPage()
    await page.goto(server.url)
    await heading(page, 'Overview').waitFor()
    opened.push([name, page])
  }
  const tab = await context.newPage()
  await tab.goto(`${server.url}/rulesets/kept`)
  await heading(tab, 'kept').waitFor()

  await server.kill()
  for (const [name, page] of opened) {
    await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
    await page.getByText(/The server has not answered since/).waitFor()
    // What was there stays meanwhile: no page is ever empty.
    await heading(page, 'Overview').waitFor()
  }
  await tab.getByRole('link', { name: /^Revisions/ }).click()
  await tab.getByText(/The server has not answered since/).waitFor()

  await server.start()
  for (const [name, page] of opened) {
    await heading(page, name).waitFor()
    assert.equal(await page.getByRole('alert').count(), 0, name)
    assert.deepEqual(await unloadedStyles(page), [], name)
  }
  await tab.getByRole('table').waitFor()
  await context.close()
  browser.assertNoComplaints(unreached)
})

for (const [what, pattern] of [
  ['the script', /\/assets\/matches-page-.*\.js$/],
  ['the style', /\/assets\/matches-page-.*\.css$/],
  ['everything', /\/assets\//],
] as const) {
  test(`a page of which ${what} did not arrive once is whole a moment later`, { skip }, async (t) => {
    const server = await startServer(t)
    const context = await browser.profile(server.url)
    context.setDefaultTimeout(PATIENCE_MS)
    await logInAsUser(context, server, 'ana')
    const page = await context.newPage()
    await page.goto(server.url)
    await heading(page, 'Overview').waitFor()
    const failed = await failOnce(page, pattern)
    await page.getByRole('navigation').getByRole('link', { name: 'Matches', exact: true }).click()
    await heading(page, 'Matches').waitFor()
    assert.ok(failed.size > 0, 'nothing was kept from arriving')
    assert.deepEqual(await unloadedStyles(page), [])
    await context.close()
    browser.assertNoComplaints(unreached)
  })
}

test('an application whose first scripts did not arrive is loaded again by itself', { skip }, async (t) => {
  const server = await startServer(t)
  const context = await browser.profile(server.url)
  context.setDefaultTimeout(PATIENCE_MS)
  await logInAsUser(context, server, 'ana')
  const page = await context.newPage()
  const failed = await failOnce(page, /\/assets\/index-.*\.js$/)
  await page.goto(`${server.url}/rulesets`)
  await heading(page, 'Rulesets').waitFor()
  assert.equal(failed.size, 1)
  await context.close()
  browser.assertNoComplaints(unreached)
})

/** Cuts the first request for each file that fits. Gives those that were cut. */
async function failOnce(page: Page, pattern: RegExp): Promise<Set<string>> {
  const failed = new Set<string>()
  const isFirst = (request: Request) => !failed.has(request.url())
  await page.route(pattern, async (route, request) => {
    if (!isFirst(request)) return route.continue()
    failed.add(request.url())
    return route.abort('connectionreset')
  })
  return failed
}

async function unloadedStyles(page: Page): Promise<string[]> {
  const script = `[...document.querySelectorAll('link[rel="stylesheet"]')].filter((link) => !link.sheet).map((link) => link.href)`
  return (await page.evaluate(script)) as string[]
}
