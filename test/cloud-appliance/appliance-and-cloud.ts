/** An appliance and its cloud as two real processes, with a line between them that a test can make bad. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { folderWith } from '../cli/running.ts'
import { startCloud, Tenant } from '../cloud/tenant.ts'
import { type Answer, type Json, KillableServer, until } from '../faults/killable-server.ts'
import { Between } from './fault-proxy.ts'

export interface Pair {
  readonly cloud: KillableServer
  readonly appliance: CloudAppliance
  readonly line: Between
  readonly tenant: Tenant
  readonly settings: readonly string[]
}

/**
 * Rules and samples of a test: a sample with the mark "alpha" is what the rule `Alpha` matches, and so on, and no rule
 * of another call matches it.
 */
export function newMarks() {
  const own = randomBytes(6).toString('hex')
  const marked = (rule: string, mark: string) => `rule ${rule} { strings: $a = "${mark} ${own}" condition: $a }`
  const alpha = marked('Alpha', 'alpha')
  const beta = marked('Beta', 'beta')
  return {
    rules: { alpha, beta, both: `${alpha}\n${beta}` },
    /** Each is another one. */
    sample: (...marks: readonly string[]): Buffer =>
      Buffer.from(`${randomBytes(12).toString('hex')} ${marks.map((mark) => `${mark} ${own}`).join(' ')}\n`),
  }
}

export async function startPair(
  t: TestContext,
  { flags = [], cloudFlags = [], contributes = false }: PairOptions = {},
): Promise<Pair> {
  const cloud = await startCloud(t, cloudFlags)
  const tenant = await Tenant.add(cloud, 'hunters', { contributes })
  const line = await Between.start(t, () => cloud.url)
  const password = join(folderWith(t), 'password')
  writeFileSync(password, `${tenant.password}\n`)
  const settings = ['--cloud-url', line.url, '--cloud-user', tenant.name, '--cloud-password-file', password]
  const appliance = new CloudAppliance(t, [
    ...settings,
    ...['--cloud-poll', '1', '--cloud-wait', '10', '--cloud-timeout', '5'],
    ...flags,
  ])
  await appliance.start()
  return { cloud, appliance, line, tenant, settings }
}

interface PairOptions {
  readonly flags?: readonly string[]
  readonly cloudFlags?: readonly string[]
  readonly contributes?: boolean
}

export class CloudAppliance extends KillableServer {
  saveInCloud(name: string, content: string): Promise<Answer> {
    return this.call('POST', '/api/yara/ruleset/', new URLSearchParams({ name, content, ticloud: 'true' }))
  }

  /** Saves and fails unless the cloud has the ruleset when the answer comes. */
  async demandInCloud(name: string, content: string): Promise<void> {
    const { status, json } = await this.saveInCloud(name, content)
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal(json.detail.cloud_synced, true, JSON.stringify(json))
  }

  retroOperation(name: string, operation: string): Promise<Answer> {
    return this.call('POST', `/api/yara/ruleset/${name}/cloud-retro-hunt/`, new URLSearchParams({ operation }))
  }

  async demandRetro(name: string, operation: string): Promise<Json> {
    const { status, json } = await this.retroOperation(name, operation)
    assert.equal(status, 200, `${operation} ${name}: ${JSON.stringify(json)}`)
    return json.status
  }

  async cloudRetro(name: string): Promise<Json> {
    const { status, json } = await this.call('GET', `/api/yara/ruleset/${name}/cloud-retro-hunt/`)
    assert.equal(status, 200, JSON.stringify(json))
    return json.status
  }

  async untilHunt(name: string, state: string, ms = 60_000): Promise<Json> {
    let latest: Json
    await until(
      async () => {
        latest = await this.cloudRetro(name)
        return latest.retrohunt_status === state
      },
      () => `the Cloud Retro of ${name} is ${state}: ${JSON.stringify(latest)}`,
      ms,
    )
    return latest
  }

  async untilCloud(name: string, status: string, ms = 60_000): Promise<Json> {
    let latest: Json
    await until(
      async () => {
        latest = await this.cloudRetro(name)
        return latest.cloud_status === status
      },
      () => `the cloud status of ${name} is ${status}: ${JSON.stringify(latest)}`,
      ms,
    )
    return latest
  }

  async matchRows(ruleset: string): Promise<Json[]> {
    const { status, json } = await this.call(
      'GET',
      `/api/yara/v2/ruleset/matches/?${new URLSearchParams({ name: ruleset })}`,
    )
    assert.equal(status, 200, JSON.stringify(json))
    return json.results
  }

  /** `rule sha1` of the cloud's matches, sorted; one that is there twice is there twice. */
  async cloudMatches(ruleset: string): Promise<string[]> {
    const rows = (await this.matchRows(ruleset)).filter((row: Json) => row.cloud)
    return rows.map((row: Json) => `${row.rule} ${row.sha1}`).sort()
  }

  async untilCloudMatches(ruleset: string, expected: readonly string[], ms = 60_000): Promise<void> {
    let latest: string[] = []
    const wanted = JSON.stringify([...expected].sort())
    await until(
      async () => {
        latest = await this.cloudMatches(ruleset)
        return JSON.stringify(latest) === wanted
      },
      () => `the cloud's matches of ${ruleset} are ${wanted}; they are ${JSON.stringify(latest)}`,
      ms,
    )
  }

  async moveTime(time: string): Promise<Answer> {
    return this.call('POST', '/api/yara/ticloud/time/', new URLSearchParams({ time }))
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const line = text.split('\n').find((each) => each.startsWith(`${name} `)) ?? assert.fail(`no metric ${name}`)
    return Number(line.split(' ')[1])
  }
}

/** SHA-1 of contents that a server took in. */
export async function takeAll(server: KillableServer, contents: readonly Buffer[]): Promise<string[]> {
  const sha256s: string[] = []
  const sha1s: string[] = []
  for (const [place, content] of contents.entries()) {
    const { status, json } = await server.upload(content, `sample-${place}.txt`)
    assert.equal(status, 201, JSON.stringify(json))
    sha256s.push(json.detail.sha256)
    sha1s.push(json.detail.sha1)
  }
  await server.untilProcessed(sha256s)
  return sha1s
}
