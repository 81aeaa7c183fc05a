/**
 * The web application over a store with thousands of rulesets and matches, in a real Chromium: what its first load sends,
 * when its first list can be used, and how long the lists take to follow what is done with them. Times are the page's
 * own, so nothing of the driver is in them.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launch, logIn } from './browser.ts'
import { workFolder } from './corpus.ts'
import { medianOf, milliseconds, percentile, table } from './figures.ts'
import { fillLists } from './lists.ts'
import { RunningServer } from './running-server.ts'

const TIMES = 11
const analyst = { name: 'analyst', password: 'the analyst of the benchmark', role: 'user' }

/** Runs in every page before its own scripts. */
const watching = `
  window.longest = 0
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration)
  }).observe({ type: 'longtask', buffered: true })
  // Milliseconds since the navigation began: when it holds, is painted, and the page could take the next click.
  window.until = (holds) => new Promise((resolve) => {
    const look = () => requestAnimationFrame(() => holds() ? setTimeout(() => resolve(performance.now())) : look())
    look()
  })
  window.rows = () => document.querySelectorAll('tbody th').length
  window.isFresh = () => window.rows() > 0 && !document.querySelector('table[aria-busy=true]')
  window.type = (label, text) => {
    const field = [...document.querySelectorAll('input')].find((each) => each.labels?.[0]?.textContent === label
      || each.getAttribute('aria-label') === label)
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, text)
    field.dispatchEvent(new Event('input', { bubbles: true }))
  }
  window.keys = []
  addEventListener('keydown', () => {
    const begin = performance.now()
    requestAnimationFrame(() => setTimeout(() => window.keys.push(performance.now() - begin)))
  }, true)
  window.press = (text) => [...document.querySelectorAll('button')].find((each) =>
    each.textContent.trim() === text || each.getAttribute('aria-label') === text).click()`

/** What is done in a page that shows the list, and what holds when the list has followed. */
interface Step {
  readonly title: string
  readonly does: string
  readonly until: string
}

const pages: readonly {
  readonly path: string
  readonly title: string
  readonly usable: string
  readonly steps: readonly Step[]
}[] = [
  {
    path: '/rulesets',
    title: 'rulesets',
    usable: 'window.rows() === 100 && window.isFresh()',
    steps: [
      {
        title: 'sort the other way round',
        does: "window.press('Name')",
        until: "document.querySelector('tbody th').textContent === 'ruleset_999' && window.isFresh()",
      },
      {
        title: 'next page',
        does: "window.press('Next page')",
        until: "document.querySelector('tbody th').textContent !== 'ruleset_999' && window.isFresh()",
      },
      {
        title: 'search (its pause of 200 ms included)',
        does: "window.type('Search names and owners', 'ruleset_4999')",
        until: 'window.rows() === 1 && window.isFresh()',
      },
    ],
  },
  {
    path: '/matches',
    title: 'matches',
    usable: 'window.rows() === 100 && window.isFresh()',
    steps: [
      { title: 'show 100 more', does: "window.press('Show more')", until: 'window.rows() === 200 && window.isFresh()' },
      ...[300, 400, 500, 600, 700, 800, 900].map((rows) => ({
        title: '',
        does: "window.press('Show more')",
        until: `window.rows() === ${rows} && window.isFresh()`,
      })),
      {
        title: 'show 100 more below 900',
        does: "window.press('Show more')",
        until: 'window.rows() === 1000 && window.isFresh()',
      },
      {
        title: 'choose one of 1,000 rows',
        does: "document.querySelector('tbody input').click()",
        until: "document.querySelector('tbody tr[data-chosen]')",
      },
      {
        title: 'search a rule that none matches (its pause of 200 ms included)',
        does: "window.type('Search rule names', 'nothing_like_it')",
        until: "document.body.textContent.includes('No match fits')",
      },
    ],
  },
]

const KEYS = 60

/** Milliseconds from each of some keys to the frame that shows it, in a text of 1 MB that was explained before. */
async function keysInLongText(browser: Browser, url: string): Promise<number[]> {
  const context = await profile(browser, url)
  const page = await context.newPage()
  const rule = (n: number) =>
    `rule long_${n} {\n  strings:\n    $a = "a text that is rare ${n}"\n    $b = { 01 02 03 04 ${String(n % 90).padStart(2, '0')} }\n  condition:\n    any of them\n}\n`
  const text = Array.from({ length: 8_500 }, (_, n) => rule(n)).join('')
  await page.goto(`${url}/workbench`)
  const draft = JSON.stringify({ text, revision: 0, changed: Date.now() })
  await page.evaluate(`localStorage.setItem('backtrail.draft.${analyst.name}.', ${JSON.stringify(draft)})`)
  await page.reload()
  await page.getByText('A hunt with this text reads').first().waitFor({ timeout: 300_000 })
  await page.locator('.cm-line').first().click()
  await page.evaluate('window.keys = []')
  for (let key = 0; key < KEYS; key++) await page.keyboard.press(key % 10 === 9 ? 'Enter' : 'x', { delay: 60 })
  const keys = (await page.evaluate('window.keys')) as number[]
  await context.close()
  return keys
}

export async function benchWeb(size: { rulesets: number; samples: number; matches: number }): Promise<string> {
  mkdirSync(workFolder, { recursive: true })
  const data = mkdtempSync(join(workFolder, 'web-'))
  try {
    await (await RunningServer.start(data)).stop()
    const matches = fillLists(join(data, 'backtrail.db'), size).reduce((sum, each) => sum + each, 0)
    const server = await RunningServer.start(data)
    const browser = await launch()
    const [load = 0] = loadavg()
    try {
      await server.call('POST', '/api/users/', analyst)
      const first = await loadSize(browser, server.url)
      const rows: string[][] = []
      for (const { path, title, usable, steps } of pages) {
        const times = new Map<string, number[]>()
        const note = (step: string, ms: number) => times.set(step, [...(times.get(step) ?? []), ms])
        for (let time = 0; time < TIMES; time++) {
          const context = await profile(browser, server.url)
          const page = await context.newPage()
          await page.goto(server.url + path, { waitUntil: 'commit' })
          note('first load until usable', await untilHolds(page, usable))
          for (const { title: step, does, until } of steps) {
            const begin = (await page.evaluate(
              `(() => { const begin = performance.now(); ${does}; return begin })()`,
            )) as number
            const end = await untilHolds(page, until)
            if (step !== '') note(step, end - begin)
          }
          note('longest task', (await page.evaluate('window.longest')) as number)
          await context.close()
          console.error(`${title} ${time + 1} of ${TIMES}`)
        }
        for (const [step, all] of times) {
          const formatted = (share: (values: readonly number[]) => number) => milliseconds(share(all) / 1000)
          rows.push([title, step, formatted(medianOf), formatted((values) => percentile(values, 0.95))])
        }
      }
      const keys = await keysInLongText(browser, server.url)
      return `${size.rulesets.toLocaleString('en')} rulesets, ${size.samples.toLocaleString('en')} samples, ${matches.toLocaleString('en')} matches; server and browser on the same machine, which had a load of ${load.toFixed(1)} on ${availableParallelism()} cores when this began.

First load of the application: ${first.files} files, ${(first.bytes / 1024).toFixed(0)} KB compressed (scripts ${(first.scripts / 1024).toFixed(0)} KB).
“Usable” counts from the start of the navigation, with an empty cache, to the first frame that shows the list's first 100 rows and after which the page could take a click. The other times count from the action to the frame that shows its outcome. The longest task is the longest time for which the page was blocked, from the start of the navigation to the last action; tasks below 50 ms are not told and count as 0. Each is the median of ${TIMES}.

${table(['list', 'what', 'median', '95 %'], rows)}

A key in an editor that has 1 MB of rules, to the frame that shows it: ${milliseconds(medianOf(keys) / 1000)}, 95 % ${milliseconds(percentile(keys, 0.95) / 1000)}.`
    } finally {
      await browser.close()
      await server.stop()
    }
  } finally {
    rmSync(data, { recursive: true })
  }
}

/** A fresh one with an empty cache, logged in. */
async function profile(browser: Browser, url: string): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  context.setDefaultTimeout(30_000)
  await context.addInitScript(watching)
  await logIn(context, url, analyst)
  return context
}

async function untilHolds(page: Page, condition: string): Promise<number> {
  const holds = page.evaluate(`window.until(() => ${condition})`) as Promise<number>
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`after 30 s it does not hold: ${condition}`)), 30_000).unref()
  })
  return Promise.race([holds, late])
}

/** What the overview, the first page after the log-in, loads beside its figures. */
async function loadSize(
  browser: Browser,
  url: string,
): Promise<{ readonly files: number; readonly bytes: number; readonly scripts: number }> {
  const context = await profile(browser, url)
  const page = await context.newPage()
  await page.goto(url)
  await page.getByRole('heading', { name: 'Latest matches' }).waitFor()
  await page.waitForLoadState('networkidle')
  const entries = (await page.evaluate(`[...performance.getEntriesByType('navigation'),
    ...performance.getEntriesByType('resource')].map(({ name, encodedBodySize }) => [name, encodedBodySize])`)) as [
    string,
    number,
  ][]
  await context.close()
  const ours = entries.filter(([name]) => !new URL(name).pathname.startsWith('/api/'))
  const sum = (some: typeof ours) => some.reduce((total, [, bytes]) => total + bytes, 0)
  return { files: ours.length, bytes: sum(ours), scripts: sum(ours.filter(([name]) => name.endsWith('.js'))) }
}
