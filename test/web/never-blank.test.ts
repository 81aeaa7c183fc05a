/** The server is away just when a part of the application is first needed: the part comes by itself when it is back. */
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Page, Request } from 'playwright-core'
import { KillableServer } from '../faults/killable-server.ts'
import { freePort } from '../free-port.ts'
import { skip, Watched } from './browser.ts'
import { logInAsUser } from './mortal-pages.ts'

/** What Chromium itself says about requests that do not reach the server. */
const unreached = /^console: Failed to load resource: net::ERR_|^console: Unable to preload CSS/

/** A busy machine starts a server and loads eight pages in half a minute. */
const PATIENCE_MS = 60_000

let browser: Watched
before(async () => {
  if (!skip) browser = await Watched.start()
})
after(() => browser?.stop())

async function startServer(t: TestContext): Promise<KillableServer> {
  const server = new KillableServer(t, ['--port', String(await freePort())])
  await server.start()
  return server
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true })

for (const [what, pattern] of [['the script', /\/assets\/matches-page-.*\.js$/]] as const) {
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
