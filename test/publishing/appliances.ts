/** A manager and three appliances as real processes, each with a line to the manager that a test can make bad. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { folderWith } from '../cli/running.ts'
import { Between } from '../cloud-appliance/fault-proxy.ts'
import { type Answer, type Json, KillableServer, until } from '../faults/killable-server.ts'

export interface Appliances {
  readonly manager: KillableServer
  readonly appliances: readonly [SharingAppliance, SharingAppliance, SharingAppliance]
  /** `one InSync` and so on, by name. */
  states(): Promise<string[]>
  /** Waits until all appliances are InSync, and have the same shared rules; returns these. */
  untilSame(ms?: number): Promise<Record<string, string>>
}

export class SharingAppliance extends KillableServer {
  readonly name: string
  readonly line: Between

  constructor(t: TestContext, name: string, line: Between, flags: readonly string[]) {
    super(t, flags)
    this.name = name
    this.line = line
  }

  publish(name: string, content: string): Promise<Answer> {
    return this.call('POST', '/api/yara/ruleset/', new URLSearchParams({ name, content, publish: 'true' }))
  }

  /** Publishes and fails unless it was accepted; returns what became of it. */
  async demandPublished(name: string, content: string): Promise<Json> {
    const { status, json } = await this.publish(name, content)
    assert.equal(status, 200, JSON.stringify(json))
    return json.detail.published
  }

  async remove(name: string): Promise<Json> {
    const { status, json } = await this.call(
      'DELETE',
      '/api/yara/ruleset/',
      new URLSearchParams({ name, publish: 'true' }),
    )
    assert.equal(status, 200, JSON.stringify(json))
    return json.detail.published
  }

  async switchTo(name: string, action: 'enable' | 'disable'): Promise<Answer> {
    return this.call('POST', `/api/yara/ruleset/${action}/`, new URLSearchParams({ name, publish: 'true' }))
  }

  /** By name: `+` or `-` for whether it is enabled, and the text. */
  async rules(): Promise<Record<string, string>> {
    const { json } = await this.call('GET', '/api/rulesets/?type=user&page=1&page_size=1000')
    const entries = json.results.map(async ({ name, enabled }: Json) => {
      const answer = await this.call('GET', `/api/yara/ruleset/content/?${new URLSearchParams({ name })}`)
      return [name, `${enabled ? '+' : '-'}${answer.json.detail.content}`]
    })
    return Object.fromEntries(await Promise.all(entries))
  }

  /** The texts of all revisions that are here. */
  async texts(name: string): Promise<string[]> {
    const { status, json } = await this.call('GET', `/api/rulesets/${name}/revisions/`)
    if (status === 404) return []
    const numbers: number[] = json.results.map(({ number }: Json) => number)
    return Promise.all(
      numbers.map(
        async (number) => (await this.call('GET', `/api/rulesets/${name}/revisions/${number}/`)).json.content,
      ),
    )
  }

  /** Of this appliance towards its manager. */
  async status(): Promise<Json> {
    return (await this.call('GET', '/api/shared-rulesets/')).json
  }

  async shared(name: string): Promise<Json> {
    return (await this.call('GET', `/api/shared-rulesets/${name}/`)).json
  }

  async untilShared(name: string, state: string): Promise<Json> {
    let latest: Json
    await until(
      async () => {
        latest = await this.shared(name)
        return latest?.state === state
      },
      () => `${name} is ${state} on ${this.name}: ${JSON.stringify(latest)}`,
    )
    return latest
  }

  /** As `rules` gives them; null for a name that is not there. What else is there counts for nothing. */
  async untilRules(expected: Readonly<Record<string, string | null>>): Promise<void> {
    let latest: Record<string, string> = {}
    await until(
      async () => {
        latest = await this.rules()
        return Object.entries(expected).every(([name, text]) => (latest[name] ?? null) === text)
      },
      () => `${this.name} has ${JSON.stringify(expected)}; it has ${JSON.stringify(latest)}`,
    )
  }

  async resolve(name: string, keep: 'own' | 'shared', sequence?: number): Promise<Answer> {
    const given = sequence ?? (await this.shared(name)).sequence
    return this.call('POST', `/api/shared-rulesets/${name}/resolve/`, { keep, sequence: given })
  }
}

export async function startAppliances(
  t: TestContext,
  {
    ofOne = [],
    ofThree = [],
  }: {
    /** Flags of the first and the third appliance. */
    readonly ofOne?: readonly string[]
    readonly ofThree?: readonly string[]
  } = {},
): Promise<Appliances> {
  const manager = new KillableServer(t, ['--role', 'manager', '--workers', '1'])
  await manager.start()
  const add = async (name: string, flags: readonly string[] = []): Promise<SharingAppliance> => {
    const { status, json } = await manager.call('POST', '/api/appliances/', { name })
    assert.equal(status, 201, JSON.stringify(json))
    const token = join(folderWith(t), 'token')
    writeFileSync(token, `${json.token}\n`)
    const line = await Between.start(t, () => manager.url)
    const settings = ['--manager-url', line.url, '--manager-token-file', token]
    const pace = ['--manager-timeout', '5', '--manager-wait', '5', '--sync-poll', '1', '--workers', '1']
    const appliance = new SharingAppliance(t, name, line, [...settings, ...pace, ...flags])
    await appliance.start()
    return appliance
  }
  const appliances = [await add('one', ofOne), await add('two'), await add('three', ofThree)] as const
  const states = async (): Promise<string[]> => {
    const { json } = await manager.call('GET', '/api/appliances/')
    return json.results.map(({ name, state }: Json) => `${name} ${state}`)
  }
  return {
    manager,
    appliances,
    states,
    async untilSame(ms) {
      let latest: unknown = null
      await until(
        async () => {
          const all = await Promise.all(appliances.map(async (each) => JSON.stringify(sorted(await each.rules()))))
          latest = [all, await states()]
          return new Set(all).size === 1 && (await states()).every((state) => state.endsWith(' InSync'))
        },
        () => `all appliances are in sync: ${JSON.stringify(latest)}`,
        ms,
      )
      return appliances[0].rules()
    },
  }
}

export const rule = (mark: string): string => `rule Shared { strings: $a = "${mark}" condition: $a }`

function sorted(rules: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(rules).sort(([one], [other]) => (one < other ? -1 : 1))
}
