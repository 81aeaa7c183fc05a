import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { RuleHit } from '../scanning/index.ts'
import { now, type Store } from '../store/index.ts'
import { addProcessedSample } from '../store/processed-sample.fixture.ts'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { FeedClock } from './feed-clock.ts'
import { type FeedPage, Feeds } from './feeds.ts'

const DAY = 86_400
let folder: string
let database: Database
let store: Store
let feeds: Feeds
let second = 0
let samples = 0

const tenant = { acme: 0, rival: 0 }
const revision = { first: 0, second: 0, rivals: 0, ours: 0 }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-feeds-'))
  database = await openDatabase(join(folder, 'backtrail.db'))
  store = storeOf(database)
  second = 1_700_000_000
  samples = 0
  const clock = new FeedClock({ wall: () => second * 1000, steady: () => 0 })
  feeds = new Feeds(store, { pageEntries: 10, keptSeconds: 365 * DAY }, clock)
  for (const name of ['acme', 'rival'] as const) tenant[name] = await addTenant(name)
  revision.first = await addRuleset('same', tenant.acme)
  revision.second = await addRuleset('other', tenant.acme)
  revision.rivals = await addRuleset('same', tenant.rival)
  revision.ours = await addRuleset('same', null)
})

afterEach(async () => {
  await database.destroy()
  rmSync(folder, { recursive: true })
})

async function addTenant(name: string): Promise<number> {
  return store.users.add({ name, passwordHash: '', role: 'tenant', contributes: false, created: 0 })
}

/** Gives the id of its revision. */
async function addRuleset(name: string, tenantId: number | null): Promise<number> {
  const id =
    tenantId === null
      ? await store.rulesets.add({ name, ownerId: tenant.acme, core: false, created: 0 })
      : await store.rulesets.addOfTenant({ name, tenantId, digest: Buffer.alloc(20, name), enabled: true, created: 0 })
  const text = { content: '', valid: true, diagnostics: [], leftOut: [], rules: [], plan: null }
  const revision = { rulesetId: id, number: 1, authorId: tenant.acme, created: 0, ...text }
  const revisionId = await store.revisions.add(revision)
  await store.rulesets.setRevision(id, revisionId)
  return revisionId
}

async function sample(): Promise<number> {
  samples++
  return addProcessedSample(store, `sample ${samples}`, { size: samples, fileType: 'Text/None', at: now() })
}

const hit = (revisionId: number, rule = 'rule'): RuleHit => ({
  ruleset: `r${revisionId}`,
  rule,
  tags: ['tag'],
  meta: { author: 'somebody' },
  strings: [
    { identifier: '$a', offset: 7, length: 3, context: Buffer.from('before the match'), contextStart: 7 },
    { identifier: '$b', offset: 9, length: 500, context: Buffer.alloc(48, 'x'), contextStart: 4 },
  ],
})

const matched = async (hits: readonly RuleHit[], sampleId?: number) => {
  const id = sampleId ?? (await sample())
  await store.transaction('completeSamples', (tx) => feeds.recordLive(tx, { sampleId: id, hits }))
  return id
}

const sizes = ({ entries }: FeedPage) => entries.map(({ fileSize }) => fileSize)

test('a page shows nothing of a second that is not over, and everything once it is', async () => {
  await matched([hit(revision.first)])
  assert.deepEqual(await feeds.page(tenant.acme, 'live', second - 10), { entries: [], last: second - 1 })
  assert.deepEqual(await feeds.page(tenant.acme, 'live', second), { entries: [], last: second - 1 })
  assert.deepEqual(await feeds.page(tenant.acme, 'live', second + 50), { entries: [], last: second + 49 })
  await matched([hit(revision.first)])
  second += 1
  const page = await feeds.page(tenant.acme, 'live', second - 1)
  assert.deepEqual([sizes(page), page.last], [[1, 2], second - 1])
})

test('an entry holds the rules with the first match of each string, at most 32 bytes of it, in base64', async () => {
  await matched([hit(revision.first, 'one'), hit(revision.first, 'two')])
  second += 1
  const { entries } = await feeds.page(tenant.acme, 'live', second - 1)
  const [entry] = entries
  assert.ok(entry)
  assert.deepEqual(
    [entry.ruleset, entry.digest, entry.second],
    ['same', Buffer.alloc(20, 'same').toString('hex'), second - 1],
  )
  const strings = [
    { string_identifier: 'JGE=\n', match_offset: 7, matched_string: `${btoa('the')}\n` },
    { string_identifier: 'JGI=\n', match_offset: 9, matched_string: `${btoa('x'.repeat(32))}\n` },
  ]
  const rule = { tag: ['tag'], meta: [{ key: 'author', value: 'somebody' }], matched_data: strings }
  assert.deepEqual(entry.rules, [
    { identifier: 'one', ...rule },
    { identifier: 'two', ...rule },
  ])
})

test('an entry comes once more when other rules of its ruleset hold as well, and not otherwise', async () => {
  const id = await matched([hit(revision.first, 'by_content')])
  const rules = ({ entries }: FeedPage) => entries.map((entry) => entry.rules.map(({ identifier }) => identifier))
  second += 1
  assert.deepEqual(rules(await feeds.page(tenant.acme, 'live', second - 1)), [['by_content']])
  await matched([hit(revision.first, 'by_content')], id)
  second += 1
  assert.deepEqual(rules(await feeds.page(tenant.acme, 'live', second - 1)), [])
  await matched([hit(revision.first, 'by_content'), hit(revision.first, 'by_name')], id)
  second += 1
  assert.deepEqual(rules(await feeds.page(tenant.acme, 'live', second - 1)), [['by_content', 'by_name']])
})

test('each tenant gets what its own rulesets match, and hits of the appliance go to nobody', async () => {
  const id = await matched([hit(revision.first), hit(revision.second), hit(revision.rivals), hit(revision.ours)])
  await matched([hit(revision.ours)])
  await matched([hit(revision.first)], id)
  second += 1
  const findingsOf = async (tenantId: number) =>
    (await feeds.page(tenantId, 'live', second - 1)).entries.map(({ ruleset, fileSize }) => `${ruleset} ${fileSize}`)
  assert.deepEqual(await findingsOf(tenant.acme), ['same 1', 'other 1'])
  assert.deepEqual(await findingsOf(tenant.rival), ['same 1'])
})

test('pages never cut a second, and following them gives each entry once', async () => {
  const counts = [3, 4, 25, 1, 0, 9, 1, 30, 2]
  const start = second
  for (const count of counts) {
    for (let n = 0; n < count; n++) await matched([hit(revision.first)])
    second += 1
  }
  const got: number[] = []
  const lasts: number[] = []
  for (let from = start; from < second; ) {
    const page = await feeds.page(tenant.acme, 'live', from)
    const seconds = new Set(page.entries.map((entry) => entry.second))
    for (const each of seconds) {
      const whole = counts[each - start]
      assert.equal(page.entries.filter((entry) => entry.second === each).length, whole, `second ${each - start} is cut`)
    }
    got.push(...sizes(page))
    lasts.push(page.last - start)
    from = page.last + 1
  }
  assert.deepEqual(
    got,
    Array.from({ length: samples }, (_, n) => n + 1),
  )
  // Cut at the tenth entry and the rest of its second; the last page tells that there is no more.
  assert.deepEqual(lasts, [2, 5, 7, 8])
})

test('one answer looks at 24 hours at most', async () => {
  await matched([hit(revision.first)])
  second += 3 * DAY
  await matched([hit(revision.first)])
  const start = second - 3 * DAY
  second += 1
  const first = await feeds.page(tenant.acme, 'live', start)
  assert.deepEqual([sizes(first), first.last], [[1], start + DAY])
  const next = await feeds.page(tenant.acme, 'live', start + DAY + 1)
  assert.deepEqual([sizes(next), next.last], [[], start + 2 * DAY + 1])
  const last = await feeds.page(tenant.acme, 'live', start + 2 * DAY + 2)
  assert.deepEqual([sizes(last), last.last], [[2], start + 3 * DAY])
})

test('what is older than a feed keeps cannot be asked for, and goes', async () => {
  await matched([hit(revision.first)])
  second += 365 * DAY
  assert.deepEqual(sizes(await feeds.page(tenant.acme, 'live', second - 365 * DAY)), [1])
  await assert.rejects(feeds.page(tenant.acme, 'live', second - 365 * DAY - 1), { code: 'feed.too-old' })
  await feeds.removeOld()
  assert.deepEqual(sizes(await feeds.page(tenant.acme, 'live', second - 365 * DAY)), [1])
  second += 1
  await feeds.removeOld()
  assert.deepEqual(await database.selectFrom('feed_entries').selectAll().execute(), [])
})

test('an entry that is stored after the clock was set back comes behind what was read already', async () => {
  await matched([hit(revision.first)])
  second += 1
  const { last } = await feeds.page(tenant.acme, 'live', second - 1)
  second -= 1_000
  await matched([hit(revision.first)])
  assert.deepEqual(sizes(await feeds.page(tenant.acme, 'live', last + 1)), [])
  second += 1_001
  assert.deepEqual(sizes(await feeds.page(tenant.acme, 'live', last + 1)), [2])
})

test('a ruleset’s entries go together, and nobody else’s with them', async () => {
  for (let n = 0; n < 30; n++) await matched([hit(revision.first), hit(revision.second), hit(revision.rivals)])
  const row = await database
    .selectFrom('rulesets')
    .select('id')
    .where('revision_id', '=', revision.first)
    .executeTakeFirstOrThrow()
  await feeds.empty(row.id)
  const left = await database
    .selectFrom('feed_entries')
    .select(({ fn }) => ['tenant_id', fn.countAll<number>().as('entries')])
    .groupBy('tenant_id')
    .orderBy('tenant_id')
    .execute()
  assert.deepEqual(
    left.map(({ entries }) => entries),
    [30, 30],
  )
})
