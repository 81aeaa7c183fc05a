/** A real appliance in a temporary data folder, which can be closed and opened again, and samples made for hunting. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from '../../src/accounts/index.ts'
import { type Appliance, openAppliance } from '../../src/appliance/index.ts'
import { readSettings } from '../../src/settings/index.ts'

export class HuntingGround {
  readonly folder = mkdtempSync(join(tmpdir(), 'backtrail-hunts-'))
  readonly logged: string[] = []
  readonly #workers: string
  #appliance: Appliance | null = null
  #admin: Account | null = null

  private constructor({ workers = '2' }: { readonly workers?: string }) {
    this.#workers = workers
  }

  /** With two workers, each of which compiles every text for itself, unless given otherwise. */
  static async open(settings: { readonly workers?: string } = {}): Promise<HuntingGround> {
    const ground = new HuntingGround(settings)
    mkdirSync(join(ground.folder, 'files'))
    await ground.reopen()
    await ground.appliance.accounts.ensureFirstAdministrator({})
    ground.#admin = await ground.appliance.accounts.users.operator()
    return ground
  }

  get appliance(): Appliance {
    if (!this.#appliance) throw new Error('the appliance is closed')
    return this.#appliance
  }

  get admin(): Account {
    if (!this.#admin) throw new Error('there is no administrator yet')
    return this.#admin
  }

  get dataFolder(): string {
    return join(this.folder, 'data')
  }

  async reopen(): Promise<void> {
    await this.#appliance?.close()
    this.#appliance = null
    const settings = readSettings({ data: this.dataFolder, workers: this.#workers, scanTimeout: '1s' }, {})
    const log = (level: string) => (particulars: object, message: string) => {
      this.logged.push(`${level} ${message} ${JSON.stringify(particulars)}`)
    }
    this.#appliance = await openAppliance(settings, {
      log: { info: log('info'), warn: log('warn'), error: log('error') },
    })
  }

  /** Closes the appliance; `reopen` opens it again. */
  async shut(): Promise<void> {
    await this.#appliance?.close()
    this.#appliance = null
  }

  async close(): Promise<void> {
    await this.#appliance?.close()
    this.#appliance = null
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Takes a content in and waits until it is processed. Returns its SHA-256. */
  async take(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.folder, 'files', name)
    writeFileSync(path, content)
    const arrival = await this.appliance.intake.ingestFile(path, { filename: name, userId: this.admin.id })
    await arrival.processed
    return arrival.sha256
  }

  async takeAll(contents: ReadonlyMap<string, string | Uint8Array>): Promise<void> {
    await Promise.all([...contents].map(([name, content]) => this.take(name, content)))
  }

  async save(name: string, content: string): Promise<void> {
    const saved = await this.appliance.rulesets.save(this.admin, { name, content })
    if (saved.state !== 'valid') throw new Error(`${name} does not compile: ${JSON.stringify(saved.diagnostics)}`)
  }

  /** `rule filename`, sorted. */
  async matchesOf(ruleset: string): Promise<string[]> {
    const { results } = await this.appliance.matches.list({ names: [ruleset], page: null })
    return results.map(({ rule, filename }) => `${rule} ${filename}`).sort()
  }

  /** Runs an ad-hoc hunt to its end. Returns `rule filename`, sorted. */
  async hunt(content: string, useIndex = true): Promise<string[]> {
    const { adHocHunts } = this.appliance
    const { id } = await adHocHunts.create(this.admin, {
      texts: [{ name: 'rules', content }],
      selection: {},
      useIndex,
      title: null,
    })
    await adHocHunts.settled(id)
    const { state, failure } = await adHocHunts.get(id)
    if (state !== 'completed') throw new Error(`the hunt ended as ${state}: ${failure}`)
    const hits = await adHocHunts.hits(id, { after: 0, limit: 100_000 })
    return hits.map(({ rule, filename }) => `${rule} ${filename}`).sort()
  }
}

/** Waits until the condition holds, looking every few milliseconds; fails after a minute. */
export async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited a minute in vain until ${what}`)
    await sleep(5)
  }
}
