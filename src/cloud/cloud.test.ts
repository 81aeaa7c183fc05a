import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { until } from '../../test/until.ts'
import { type Account, Accounts } from '../accounts/index.ts'
import { RecordingLog } from '../intake/collection.fixture.ts'
import { Matches } from '../matches/index.ts'
import { AllowLists, RuleSwitches, Rulesets } from '../rulesets/index.ts'
import { testLimits } from '../scanning/fixtures/open-pool.ts'
import { WorkerPool } from '../scanning/index.ts'
import { readSettings } from '../settings/index.ts'
import { FileContents, Scratch, type Store } from '../store/index.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { cloudAccess } from './access.ts'
import { CloudClient } from './client.ts'
import { Cloud } from './cloud.ts'
import { FeedReader } from './feed-reader.ts'
import { OutboxSender } from './outbox-sender.ts'
import { ScriptedCloud, sampleSha1 } from './scripted-cloud.fixture.ts'

const rule = (name: string, mark = name) => `rule ${name} { strings: $a = "${mark}" condition: $a }`

/** More often than settings allow, so that nothing here waits for long. */
const POLL_MS = 100

/** Checks the texts of all tests. */
let pool: WorkerPool
let poolFolder: string
before(() => {
  poolFolder = mkdtempSync(join(tmpdir(), 'backtrail-cloud-'))
  pool = new WorkerPool({ workers: 1, folder: poolFolder, log: new RecordingLog(), limits: testLimits })
})
after(async () => {
  await pool.stop()
  rmSync(poolFolder, { recursive: true })
})

class Appliance {
  readonly script: ScriptedCloud
  readonly rulesets: Rulesets
  readonly matches: Matches
  readonly store: Store
  readonly operator: Account
  readonly log: RecordingLog
  cloud: Cloud
  readonly #parts: ConstructorParameters<typeof Cloud>[0]

  private constructor(
    script: ScriptedCloud,
    parts: ConstructorParameters<typeof Cloud>[0],
    kept: { operator: Account; log: RecordingLog },
  ) {
    this.script = script
    this.#parts = parts
    this.operator = kept.operator
    this.log = kept.log
    this.cloud = new Cloud(parts)
    this.store = parts.store
    this.matches = new Matches(parts.store)
    this.rulesets = new Rulesets({
      store: parts.store,
      checker: { check: (content) => pool.run('check', { content }, { priority: 'interactive' }) },
      planner: { plan: (content) => pool.run('plan', { content, explain: false }, { priority: 'interactive' }) },
      observers: [
        {
          recordChange: (tx, id, purpose) => this.cloud.outbox.recordChange(tx, id, purpose),
          recordRemoval: (tx, ruleset) => this.cloud.outbox.recordRemoval(tx, ruleset),
          committed: () => this.cloud.outbox.committed(),
        },
      ],
    })
  }

  /** Connected, and not started. */
  static async open(t: TestContext, flags: Record<string, string> = {}): Promise<Appliance> {
    const script = await ScriptedCloud.start(t)
    const folder = mkdtempSync(join(tmpdir(), 'backtrail-cloud-'))
    const store = storeOf(await openDatabase(join(folder, 'backtrail.db')))
    const log = new RecordingLog()
    const contents = await FileContents.open(folder, await Scratch.open(folder))
    const given = {
      cloudUrl: script.url,
      cloudUser: 'ana',
      cloudWait: '5',
      cloudTimeout: '2',
      ...flags,
    }
    const read = readSettings(given, { BACKTRAIL_CLOUD_PASSWORD: 'secret' })
    const settings = { ...read, ...(flags.cloudPoll === undefined && { cloudPoll: POLL_MS }) }
    const operator = await new Accounts(store).users.operator()
    const appliance = new Appliance(
      script,
      { store, contents, settings, access: cloudAccess(settings), log },
      { operator, log },
    )
    t.after(async () => {
      await appliance.cloud.stop()
      await store.close()
      rmSync(folder, { recursive: true })
    })
    return appliance
  }

  /** As a server that starts again on the same data. */
  async restart(): Promise<void> {
    await this.cloud.stop()
    this.cloud = new Cloud(this.#parts)
    await this.cloud.start()
  }

  /** Starts with other settings on the same data; null for none of a cloud. */
  async connectTo(flags: Record<string, string> | null): Promise<void> {
    await this.cloud.stop()
    const own = { cloudUrl: this.script.url, cloudUser: 'ana', cloudWait: '5', cloudTimeout: '2' }
    const read = flags
      ? readSettings({ ...own, ...flags }, { BACKTRAIL_CLOUD_PASSWORD: 'secret' })
      : readSettings({}, {})
    const settings = { ...read, cloudPoll: POLL_MS }
    this.cloud = new Cloud({ ...this.#parts, settings, access: cloudAccess(settings) })
    await this.cloud.start()
  }

  save(name: string, content: string, cloud = true) {
    return this.rulesets.save(this.operator, { name, content, cloud })
  }

  async untilActive(name: string): Promise<void> {
    await until(
      async () => (await this.cloud.status(name)).cloudStatus === 'ACTIVE',
      async () => JSON.stringify(await this.cloud.status(name)),
    )
  }

  async found(name: string): Promise<string[]> {
    const { results } = await this.matches.list({ names: [name], page: null })
    return results.map(({ rule, sha1 }) => `${rule} ${sha1}`).sort()
  }

  /** Waits until the cloud's matches are these samples, by number, and stays so over some more rounds. */
  async demandFound(name: string, numbers: readonly number[], rule = 'Any'): Promise<void> {
    const expected = numbers.map((number) => `${rule} ${sampleSha1(number)}`).sort()
    await until(
      async () => JSON.stringify(await this.found(name)) === JSON.stringify(expected),
      async () => `${expected.length} matches are there; there are ${(await this.found(name)).length}`,
    )
    await this.rounds(2)
    assert.deepEqual(await this.found(name), expected)
  }

  async rounds(count: number): Promise<void> {
    const before = this.script.count('GET /api/feed/yara/retro')
    await until(
      async () => this.script.count('GET /api/feed/yara/retro') >= before + count,
      async () => 'the feeds are read some more',
    )
  }

  publish(
    numbers: readonly number[],
    second: number,
    {
      ruleset = 'told_rules',
      text = rule('Any'),
      feed = 'live',
    }: { readonly ruleset?: string; readonly text?: string; readonly feed?: 'live' | 'retro' } = {},
  ) {
    for (const number of numbers) {
      this.script.entries[feed].push({ second, sha1: sampleSha1(number), ruleset, text, rules: ['Any'] })
    }
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, place) => from + place)

test('pages that are cut, also inside a second, are read on until everything is there once', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.start()
  await appliance.cloud.settle('told_rules')
  const start = script.second
  script.pageEntries = 10
  for (const place of range(0, 12))
    appliance.publish(range(place * 7, place * 7 + 7), start + 1 + Math.floor(place / 3))
  script.second += 20
  await appliance.demandFound('told_rules', range(0, 84))
})

test('what a cloud reports of a rule that is disabled here, or of a sample that is allowed, is no match, and all else is', async (t) => {
  const appliance = await Appliance.open(t)
  const { script, operator } = appliance
  const switches = new RuleSwitches(appliance.store)
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.start()
  await appliance.cloud.settle('told_rules')
  appliance.publish(range(0, 3), script.second + 1)
  script.second += 10
  await appliance.demandFound('told_rules', range(0, 3))
  await switches.setEnabled(operator, 'told_rules', ['Any'], false)
  appliance.publish(range(3, 6), script.second + 1)
  appliance.publish(range(6, 9), script.second + 1, { feed: 'retro' })
  script.second += 100
  const read = script.count('GET /api/feed/yara/v1')
  await until(
    async () => script.count('GET /api/feed/yara/v1') >= read + 2,
    async () => 'the live feed is read while the rule is disabled',
  )
  await appliance.demandFound('told_rules', range(0, 3))
  await switches.setEnabled(operator, 'told_rules', ['Any'], true)
  appliance.publish(range(9, 12), script.second + 1)
  script.second += 10
  await appliance.demandFound('told_rules', [...range(0, 3), ...range(9, 12)])

  const allowed = { rule: 'Any', kind: 'hash', value: sampleSha1(12) } as const
  await new AllowLists(appliance.store).add(operator, 'told_rules', allowed)
  appliance.publish(range(12, 15), script.second + 1)
  script.second += 10
  await appliance.demandFound('told_rules', [...range(0, 3), ...range(9, 12), ...range(13, 15)])
})

test('a page that a cloud cuts inside a second loses nothing while its pages are large', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.start()
  await appliance.cloud.settle('told_rules')
  script.cutsInside = true
  script.pageEntries = 50
  appliance.publish(range(0, 30), script.second + 1)
  appliance.publish(range(30, 60), script.second + 2)
  appliance.publish(range(60, 90), script.second + 3)
  script.second += 10
  await appliance.demandFound('told_rules', range(0, 90))
})

test('a second that fills a whole page does not keep the reader from what comes after it', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.start()
  await appliance.cloud.settle('told_rules')
  script.pageEntries = 500
  appliance.publish(range(0, 600), script.second + 1)
  appliance.publish(range(600, 610), script.second + 2)
  script.second += 10
  await appliance.demandFound('told_rules', range(0, 610))
})

test('what a cloud notes late, in a second that was read before, is found all the same', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.start()
  await appliance.cloud.settle('told_rules')
  script.second += 30
  appliance.publish([1], script.second)
  await appliance.demandFound('told_rules', [1])
  appliance.publish([2], script.second)
  appliance.publish([3], script.second - 20)
  await appliance.demandFound('told_rules', [1, 2, 3])
})

test('days in which an appliance was away are read a day at a time', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.start()
  await appliance.cloud.settle('told_rules')
  await appliance.rounds(1)
  await appliance.cloud.stop()
  const day = 86_400
  for (const place of range(0, 5)) appliance.publish([place], script.second + place * day + 10)
  script.second += 5 * day
  await appliance.restart()
  await appliance.demandFound('told_rules', range(0, 5))
})

test('a last_timestamp that makes no sense skips nothing', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.start()
  await appliance.cloud.settle('told_rules')
  script.instead = (asked) =>
    asked.startsWith('GET /api/feed')
      ? { status: 200, body: { rl: { feed: { name: '', last_timestamp: script.second * 2, entries: [] } } } }
      : undefined
  await appliance.rounds(2)
  script.instead = () => undefined
  script.second += 5
  appliance.publish([1], script.second - 2)
  await appliance.demandFound('told_rules', [1])
})

test('entries of unknown rulesets, unknown texts and unusable ones are left out, and the rest of their page is not', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.save('told_rules', rule('Any'))
  await appliance.save('local_rules', rule('Any'), false)
  await appliance.cloud.start()
  await appliance.cloud.settle('told_rules')
  script.second += 5
  appliance.publish([1], script.second - 2, { ruleset: 'of_somebody_else' })
  appliance.publish([2], script.second - 2, { ruleset: 'local_rules' })
  appliance.publish([3], script.second - 2, { text: rule('Any', 'another') })
  script.entries.live.push({
    second: script.second - 2,
    sha1: 'no hash',
    ruleset: 'told_rules',
    text: rule('Any'),
    rules: ['Any'],
  })
  appliance.publish([4], script.second - 2)
  await appliance.demandFound('told_rules', [4])
  assert.deepEqual(await appliance.found('local_rules'), [])
  assert.ok(appliance.log.errors.some(({ message }) => /say too little/.test(message)))
})

test('what was postponed before the clock was set back is delivered', async (t) => {
  const appliance = await Appliance.open(t)
  const { script, store, log } = appliance
  await appliance.save('told_rules', rule('Any'))
  const { id = 0 } = (await store.outbox.find('told_rules')) ?? {}
  const due = (Date.now() + 3_600_000) * 1_000
  await store.outbox.postpone(id, { attempts: 1, due, problem: 'it was later then' })
  const client = new CloudClient({
    ...{ url: script.url, user: 'ana', password: 'secret' },
    ...{ proxy: null, ca: null, timeoutMs: 5_000 },
  })
  t.after(() => client.close())
  const feeds = new FeedReader({ store, client, log })
  const lifetime = new AbortController().signal
  const sender = new OutboxSender({ store, client, feeds, log, lifetime, onDelivered: () => {} })
  assert.equal(await sender.deliverDue(), 0)
  assert.equal(await sender.deliverDue(), Number.POSITIVE_INFINITY)
  assert.deepEqual([...script.rulesets.keys()], ['told_rules'])
})

test('a ruleset whose creation was answered, but not to us, is not created twice', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  let lost = 0
  script.instead = (asked) => (asked === 'POST /api/yara/admin/v1/ruleset' && lost++ === 0 ? 'cut' : undefined)
  await appliance.cloud.start()
  await appliance.save('told_rules', rule('Any'))
  await appliance.untilActive('told_rules')
  assert.equal(script.count('DELETE'), 0)
  script.second += 5
  appliance.publish([1], script.second - 2)
  await appliance.demandFound('told_rules', [1])
})

test('what could not be delivered is delivered after a restart, and only the newest text', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  script.instead = () => ({ status: 500, body: 'Out of order' })
  await appliance.cloud.start()
  await appliance.save('told_rules', rule('First'))
  await appliance.save('told_rules', rule('Second'))
  await appliance.save('gone_rules', rule('Gone'))
  await appliance.rulesets.remove(appliance.operator, 'gone_rules')
  const status = await appliance.cloud.settle('told_rules')
  assert.equal(status.cloudStatus, 'PENDING')
  assert.match(status.reason ?? '', /Out of order/)
  await appliance.cloud.stop()
  script.instead = () => undefined
  await appliance.restart()
  await until(
    async () => (await appliance.cloud.condition()).waiting === 0,
    async () => 'nothing waits any more',
  )
  assert.deepEqual([...script.rulesets], [['told_rules', rule('Second')]])
})

test('another text under the name in the same account is replaced, and a refused one is told and not asked for again', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  script.rulesets.set('told_rules', rule('Somebody'))
  await appliance.cloud.start()
  await appliance.save('told_rules', rule('Any'))
  assert.equal((await appliance.cloud.settle('told_rules')).cloudStatus, 'ACTIVE')
  assert.equal(script.rulesets.get('told_rules'), rule('Any'))

  script.instead = (asked) =>
    asked === 'POST /api/yara/admin/v1/ruleset' ? { status: 400, body: 'Too broad a rule.' } : undefined
  await appliance.save('broad_rules', rule('Broad'))
  const { cloudStatus, reason, isSaved } = await appliance.cloud.settle('broad_rules')
  assert.deepEqual([cloudStatus, reason, isSaved], ['INVALID', 'Too broad a rule.', false])
  const asked = script.count('POST')
  await appliance.rounds(2)
  assert.equal(script.count('POST'), asked)
})

test('while the cloud validates a ruleset it is pending and cannot be changed, and afterwards it can', async (t) => {
  const appliance = await Appliance.open(t, { cloudWait: '500ms' })
  const { script } = appliance
  script.instead = (asked) =>
    asked === 'GET /api/yara/admin/v1/ruleset/told_rules'
      ? { status: 200, body: { ruleset_name: 'told_rules', valid: true, approved: false } }
      : asked.endsWith('/status-retro-hunt')
        ? { status: 200, body: { retro_status: 'VALIDATING' } }
        : undefined
  await appliance.cloud.start()
  await appliance.save('told_rules', rule('Any'))
  const status = await appliance.cloud.settle('told_rules')
  assert.deepEqual([status.cloudStatus, status.isSaved], ['PENDING', true])
  assert.equal((await appliance.rulesets.get('told_rules')).status, 'pending')
  await assert.rejects(appliance.save('told_rules', rule('Other')), { code: 'ruleset.busy' })
  script.instead = () => undefined
  await appliance.untilActive('told_rules')
  assert.equal((await appliance.rulesets.get('told_rules')).status, 'active')
  await appliance.save('told_rules', rule('Other'))
})

test('a ruleset that is delivered by and by is active soon, however seldom the cloud is asked for news', async (t) => {
  const appliance = await Appliance.open(t, { cloudPoll: '1h' })
  await appliance.cloud.start()
  await appliance.rounds(1)
  await appliance.save('told_rules', rule('Any'))
  await appliance.untilActive('told_rules')
})

test('a ruleset that is validated does not wait for all whose state is uncertain', async (t) => {
  const appliance = await Appliance.open(t, { cloudWait: '100ms' })
  const { script } = appliance
  await appliance.cloud.start()
  const names = range(0, 20).map((place) => `resting_${place}`)
  for (const name of names) {
    await appliance.save(name, rule('Any'))
    await appliance.cloud.settle(name)
    await appliance.untilActive(name)
  }
  let isApproved = false
  script.instead = (asked) => {
    if (asked.endsWith('/status-retro-hunt')) return { status: 200, body: { retro_status: 'VALIDATION_SUCCESS' } }
    return asked.endsWith('/new_rules')
      ? { status: 200, body: { ruleset_name: 'new_rules', valid: true, approved: isApproved } }
      : undefined
  }
  // Nothing is known for certain after a start.
  await appliance.restart()
  await appliance.save('new_rules', rule('Any'))
  assert.equal((await appliance.cloud.settle('new_rules')).cloudStatus, 'PENDING')
  isApproved = true
  await appliance.untilActive('new_rules')
  const looks = names.filter((name) => script.count(`GET /api/yara/admin/v1/ruleset/${name}/status`) > 0)
  assert.ok(looks.length < names.length, 'all others were asked for before')
})

test('a hunt that stopped at the limit is complete, and its ruleset capped until the results are cleared', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.cloud.start()
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.settle('told_rules')
  let status = 'VALIDATION_SUCCESS'
  script.instead = (asked) => {
    if (asked.endsWith('/status-retro-hunt')) {
      return { status: 200, body: { retro_status: status, start_time: '2023-11-14T22:13:20', progress: 0.25 } }
    }
    if (asked.endsWith('start-retro-hunt')) status = 'RUNNING'
    return asked.endsWith('-retro-hunt') ? { status: 200, body: { ruleset_name: 'told_rules' } } : undefined
  }
  await appliance.cloud.startHunt(appliance.operator, 'told_rules')
  await until(
    async () => (await appliance.cloud.status('told_rules')).progress === 0.25,
    async () => 'the progress is told',
  )
  await assert.rejects(appliance.cloud.startHunt(appliance.operator, 'told_rules'), { code: 'cloud.wrong-state' })
  await assert.rejects(appliance.cloud.clearHunt(appliance.operator, 'told_rules'), { code: 'cloud.wrong-state' })
  await assert.rejects(appliance.save('told_rules', rule('Other')), { code: 'ruleset.busy' })
  status = 'CAPPED'
  await until(
    async () => (await appliance.cloud.status('told_rules')).hunt === 'COMPLETE',
    async () => JSON.stringify(await appliance.cloud.status('told_rules')),
  )
  assert.equal((await appliance.cloud.status('told_rules')).cloudStatus, 'CAPPED')
  assert.equal((await appliance.rulesets.get('told_rules')).status, 'capped')
  const { hunt, cloudStatus, started } = await appliance.cloud.clearHunt(appliance.operator, 'told_rules')
  assert.deepEqual([hunt, cloudStatus, started], ['CLEARED', 'ACTIVE', 1_700_000_000_000_000])
})

test('a hunt is stopped, also when the answer to that is lost, and only one that runs can be', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.cloud.start()
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.settle('told_rules')
  await assert.rejects(appliance.cloud.stopHunt(appliance.operator, 'told_rules'), {
    code: 'cloud.wrong-state',
    detail: { state: 'READY' },
  })
  let status = 'VALIDATION_SUCCESS'
  let isLost = false
  script.instead = (asked) => {
    if (asked.endsWith('/status-retro-hunt')) {
      const finish_time = status === 'CANCELLED' ? '2023-11-14T22:14:20' : null
      return { status: 200, body: { retro_status: status, start_time: '2023-11-14T22:13:20', finish_time } }
    }
    if (asked.endsWith('start-retro-hunt')) status = 'RUNNING'
    if (asked.endsWith('cancel-retro-hunt')) {
      status = 'CANCELLED'
      if (isLost) return { status: 504, body: '' }
    }
    return asked.endsWith('-retro-hunt') ? { status: 200, body: { ruleset_name: 'told_rules' } } : undefined
  }
  for (const lost of [false, true]) {
    isLost = lost
    assert.equal((await appliance.cloud.startHunt(appliance.operator, 'told_rules')).hunt, 'RUNNING')
    assert.equal((await appliance.cloud.stopHunt(appliance.operator, 'told_rules')).hunt, 'CANCELLED')
    await until(
      async () => (await appliance.cloud.status('told_rules')).finished === 1_700_000_060_000_000,
      async () => JSON.stringify(await appliance.cloud.status('told_rules')),
    )
    await assert.rejects(appliance.cloud.stopHunt(appliance.operator, 'told_rules'), { code: 'cloud.wrong-state' })
  }
})

test('a ruleset that somebody took out of the cloud is brought there again', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.cloud.start()
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.settle('told_rules')
  script.rulesets.clear()
  await appliance.restart()
  await until(
    async () => script.rulesets.has('told_rules'),
    async () => 'the ruleset is there again',
  )
})

test('another cloud gets all rulesets that should be there', async (t) => {
  const appliance = await Appliance.open(t)
  const { script } = appliance
  await appliance.cloud.start()
  await appliance.save('told_rules', rule('Any'))
  await appliance.cloud.settle('told_rules')
  script.rulesets.clear()
  await appliance.cloud.stop()
  await appliance.connectTo({ cloudUser: 'ben' })
  await until(
    async () => script.rulesets.has('told_rules'),
    async () => 'the ruleset is there',
  )
})

test('without a cloud there is nothing to hunt in, and ticloud saves here only', async (t) => {
  const appliance = await Appliance.open(t)
  await appliance.connectTo(null)
  await appliance.save('told_rules', rule('Any'))
  assert.equal((await appliance.cloud.settle('told_rules')).isSaved, false)
  await assert.rejects(appliance.cloud.status('told_rules'), { code: 'cloud.not-connected' })
  await assert.rejects(appliance.cloud.status('no_rules'), { code: 'ruleset.not-found' })
  await assert.rejects(appliance.cloud.time(), { code: 'cloud.sync-off' })
  assert.equal((await appliance.cloud.condition()).waiting, 0)
})
