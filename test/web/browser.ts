/**
 * A real Chromium on the web application of a real server. What a page must never do fails the test that sees it:
 * errors on its console, requests to anywhere else, anything that its policy had to stop.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Settings } from '../../src/settings/index.ts'
import { passwords, TestServer, type User } from '../http/harness.ts'

/** The one that never has a window of its own starts, and works, in half of the other's time. */
const programs = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']
const executable = process.env.BACKTRAIL_CHROMIUM ?? programs.find((path) => existsSync(path)) ?? programs.join(' or ')

/** For `test`'s option `skip`: why the tests of this folder cannot run here, or false. */
export const skip: string | false =
  existsSync(executable) || process.env.BACKTRAIL_NO_SKIPS === '1'
    ? false
    : `there is no Chromium at ${executable}; Debian's package is called chromium-headless-shell`

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A Chromium whose pages are watched. */
export class Watched {
  readonly #browser: Browser
  readonly #complaints: string[] = []

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async start(): Promise<Watched> {
    const browser = await chromium.launch({
      executablePath: executable,
      args: [
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    return new Watched(browser)
  }

  stop(): Promise<void> {
    return this.#browser.close()
  }

  /** A fresh browser profile with what a page does in it watched. */
  async profile(origin: string, options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.#browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
    context.setDefaultTimeout(15_000)
    context.on('page', (page) => this.#watch(page, origin))
    return context
  }

  /** Fails with what pages have done that they must never do, and forgets it; but for console errors that fit. */
  assertNoComplaints(expected?: RegExp): void {
    const complaints = this.#complaints.splice(0)
    assert.deepEqual(
      complaints.filter((complaint) => !expected?.test(complaint)),
      [],
    )
  }

  #watch(page: Page, origin: string): void {
    page.on('pageerror', (error) => this.#complaints.push(`error: ${error.stack ?? error.message}`))
    page.on('console', (message) => {
      const isRefusal = /Failed to load resource: the server responded with a status of 4\d\d/.test(message.text())
      // What the server refuses is shown on the page; the browser says it on the console too.
      if (message.type() === 'error' && !isRefusal) this.#complaints.push(`console: ${message.text()}`)
    })
    page.on('request', (request) => {
      const asked = new URL(request.url())
      const isOurs = asked.origin === origin || asked.protocol === 'blob:'
      if (!isOurs) this.#complaints.push(`request to ${request.url()}`)
    })
  }
}

export class WebTest {
  readonly server: TestServer
  readonly #browser: Watched

  private constructor(server: TestServer, browser: Watched) {
    this.server = server
    this.#browser = browser
  }

  static async start(settings: Partial<Settings> = {}): Promise<WebTest> {
    const server = await TestServer.start(settings)
    try {
      return new WebTest(server, await Watched.start())
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.#browser.stop()
    await this.server.stop()
  }

  /** A page of a fresh browser profile, at an address; logged in as a user, unless null. */
  async open(
    address: string,
    { as = 'ana', ...options }: BrowserContextOptions & { readonly as?: Exclude<User, 'admin'> | null } = {},
  ): Promise<Page> {
    const { credentials } = this.server.appliance.accounts
    const secret = as && (await credentials.logInSession(as, passwords[as], '127.0.0.1')).secret
    return this.openWith(secret, address, options)
  }

  /** The same with the secret of a session. */
  async openWith(secret: string | null, address: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.profile(this.server.url, options)
    if (secret !== null) await context.addCookies([{ name: 'backtrail_session', value: secret, url: this.server.url }])
    const page = await context.newPage()
    await page.goto(this.server.url + address)
    return page
  }

  assertNoComplaints(): void {
    this.#browser.assertNoComplaints()
  }
}

/** Those of axe's rules that depend on the colours of a page. */
export const ofColours = ['color-contrast', 'link-in-text-block'] as const

/** What axe-core, or some of its rules, have against the page as it stands, one line each; empty when it passes. */
export async function accessibilityProblems(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe)
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: { type: 'rule', values: rules } }) }
  const run = `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations.flatMap(
    ({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
      id + ': ' + help + ' — ' + target.join(' ') + ' — ' + failureSummary.replace(/\\s+/g, ' '))))`
  return (await page.evaluate(run)) as string[]
}

/** Puts a text into the editor of the page, in place of what is there. */
export async function writeRules(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'YARA text' }).click()
  await page.keyboard.press('ControlOrMeta+a')
  // Chromium's own editing would keep the look of a text that is written over, by a style attribute: the policy stops it.
  await page.keyboard.press('Delete')
  await page.keyboard.insertText(text)
}

/** Drags files and folders from outside the browser over the page, and lets them go. */
export async function drop(page: Page, paths: readonly string[]): Promise<void> {
  const cdp = await page.context().newCDPSession(page)
  const data = { items: [], files: [...paths], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await cdp.send('Input.dispatchDragEvent', { type, x: 600, y: 400, data })
  }
  await cdp.detach()
}
