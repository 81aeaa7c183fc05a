import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { CompiledQuery, sql } from 'kysely'
import type { RuleSummary, Store } from '../store/index.ts'
import { addProcessedSample } from '../store/processed-sample.fixture.ts'
import { classificationUpdate } from '../store/sql/classifications.ts'
import type { Database } from '../store/sql/database.ts'
import { orderSteps } from '../store/sql/match-order.ts'
import { commonStep, matchesWithSamples, matchIds } from '../store/sql/match-rows.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { sqliteEngine } from '../store/sqlite/engine.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { classifyByUser, replaceRules } from './classification.ts'
import { Matches } from './matches.ts'
import { revisionIdOf, revisionKey } from './revision-key.ts'

let folder: string
let database: Database
let store: Store
let matches: Matches

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-matches-'))
  database = await openDatabase(join(folder, 'backtrail.db'))
  store = storeOf(database)
  matches = new Matches(store)
  await store.users.add({ name: 'ada', passwordHash: '', role: 'user', contributes: false, created: 1 })
})
afterEach(async () => {
  await database.destroy()
  rmSync(folder, { recursive: true })
})

const plain = (name: string, fingerprint = 'same'): RuleSummary => ({ name, tags: [], meta: {}, fingerprint })

const malicious = (name: string, threat: string, factor: number): RuleSummary => ({
  name,
  tags: ['tc_detection', 'malicious'],
  meta: { tc_detection_type: 'Trojan', tc_detection_name: threat, tc_detection_factor: factor },
  fingerprint: 'same',
})

/** A new revision of a ruleset, which is made when there is none. Returns the revision's id. */
async function revise(name: string, ...rules: RuleSummary[]): Promise<number> {
  return store.transaction('changeRules', async (tx) => {
    const known = await tx.rulesets.findByName(name)
    const id = known?.id ?? (await tx.rulesets.add({ name, ownerId: 1, core: false, created: 1 }))
    const before = await tx.revisions.rulesOfLastValid(id)
    const text = { content: '', valid: true, diagnostics: [], leftOut: [], rules, plan: null }
    const number = (known?.number ?? 0) + 1
    const revisionId = await tx.revisions.add({ rulesetId: id, number, authorId: 1, created: 1, ...text })
    await tx.rulesets.setRevision(id, revisionId)
    await replaceRules(tx, id, before, rules)
    return revisionId
  })
}

async function sample(number: number, { fileType = 'PE/Exe' }: { fileType?: string } = {}): Promise<number> {
  const given = { name: `sample-${number}.exe`, size: 1000 + number, fileType }
  return addProcessedSample(store, `sample ${number}`, given)
}

async function record(sampleId: number, at: number, ...hits: [revision: number, rule: string][]): Promise<number> {
  const added = await store.transaction('completeSamples', (tx) =>
    matches.record(tx, {
      sampleId,
      at,
      hits: hits.map(([revision, rule]) => ({
        ruleset: revisionKey(revision),
        rule,
        tags: [],
        meta: {},
        strings: [],
      })),
    }),
  )
  return added.length
}

const listed = async (names: string[], number?: number, size = 10): Promise<string[]> => {
  const page = number === undefined ? null : { number, size }
  const { results } = await matches.list({ names, page })
  return results.map((row) => `${row.ruleset} ${row.rule} ${row.sampleId}`)
}

const classificationOf = (id: number) =>
  database
    .selectFrom('samples')
    .select(['classification', 'risk_score', 'threat_name', 'classification_origin'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
    .then((row) => ({ ...row }))

const lastMatched = async (name: string): Promise<number | null> =>
  (await database.selectFrom('rulesets').select('last_matched').where('name', '=', name).executeTakeFirstOrThrow())
    .last_matched

test('a match has every field that the API shows', async () => {
  const id = await sample(1)
  await store.transaction('admitSamples', async ({ members }) => {
    for (let n = 0; n < 60; n++) await members.add(id, `file ${n}`, id)
    await members.recount([id])
  })
  await record(id, 1489490371978544, [await revise('rules', malicious('Win32_Emotet', 'Emotet', 5)), 'Win32_Emotet'])
  const hash = (algorithm: string): string => createHash(algorithm).update('sample 1').digest('hex')
  assert.deepEqual(await matches.list({ names: ['rules'], page: { number: 1, size: 10 } }), {
    count: 1,
    results: [
      {
        id: 1,
        sampleId: id,
        ruleset: 'rules',
        rule: 'Win32_Emotet',
        cloud: false,
        created: 1489490371978544,
        classification: 3,
        riskScore: 10,
        threatName: 'Win32.Trojan.Emotet',
        sha1: hash('sha1'),
        md5: hash('md5'),
        sha256: hash('sha256'),
        extractedFileCount: 60,
        fileType: 'PE/Exe',
        fileSize: 1001,
        filename: 'sample-1.exe',
        downloadable: true,
      },
    ],
  })
})

test('a match that comes in while a list is read takes the place of no other', async () => {
  const rules = await revise('rules', plain('r'))
  for (const n of [1, 2, 3]) await record(await sample(n), n, [rules, 'r'])
  const late = await sample(4)
  // Between how many there are and which.
  const countByName: typeof store.matches.countByName = async (names) => {
    const counted = await store.matches.countByName(names)
    await record(late, 4, [rules, 'r'])
    return counted
  }
  const listing = new Matches({ ...store, matches: { ...store.matches, countByName } })
  for (const page of [null, { number: 1, size: 10 }, { number: 2, size: 2 }]) {
    const { results } = await listing.list({ names: ['rules'], page })
    assert.equal(results.at(-1)?.filename, 'sample-1.exe')
  }
})

test('a sample that only the cloud has shows no SHA-256, no count of files and no download', async () => {
  const seen = { size: 1001, fileType: 'PE/Exe', seen: 1 }
  const [added] = await store.samples.addInCloud([{ sha1: Buffer.alloc(20, 1), ...seen }])
  const id = added?.id as number
  const revisionId = await revise('rules', plain('one'))
  await store.matches.addFromCloud('live', [{ rulesetId: 1, revisionId, rule: 'one', sampleId: id, at: 1 }])
  const [row] = (await matches.list({ names: ['rules'], page: null })).results
  assert.deepEqual(
    [row?.cloud, row?.sha256, row?.extractedFileCount, row?.downloadable, row?.sha1.length],
    [true, null, null, false, 40],
  )
})

test('recording the same again adds no rows, keeps their times, and moves last_matched on, never back', async () => {
  const revision = await revise('rules', plain('one'), plain('two'))
  const id = await sample(1)
  assert.equal(await record(id, 100, [revision, 'one']), 1)
  assert.equal(await record(id, 200, [revision, 'one'], [revision, 'two']), 1)
  assert.equal(await record(id, 150, [revision, 'two']), 0)
  assert.deepEqual(
    (await matches.list({ names: ['rules'], page: null })).results.map(({ rule, created }) => [rule, created]),
    [
      ['two', 200],
      ['one', 100],
    ],
  )
  assert.equal(await lastMatched('rules'), 200)
})

test('hits of a disabled or removed ruleset, on a removed sample, or of an ad-hoc hunt are left out', async () => {
  const [enabled, disabled, removed] = [
    await revise('enabled', plain('one')),
    await revise('disabled', plain('one')),
    await revise('removed', plain('one')),
  ]
  await database.updateTable('rulesets').set({ enabled: 0 }).where('name', '=', 'disabled').execute()
  await database.deleteFrom('rulesets').where('name', '=', 'removed').execute()
  const id = await sample(1)
  assert.equal(await record(id, 1, [disabled, 'one'], [removed, 'one']), 0)
  assert.equal(await record(id, 1, [enabled, 'one'], [disabled, 'one'], [removed, 'one']), 1)
  assert.equal(await record(4711, 1, [enabled, 'one']), 0)
  assert.equal(await lastMatched('disabled'), null)
  const adHoc = { ruleset: 'h1.0', rule: 'one', tags: [], meta: {}, strings: [] }
  const added = await store.transaction('completeSamples', (tx) =>
    matches.record(tx, { sampleId: id, hits: [adHoc], at: 1 }),
  )
  assert.deepEqual(added, [])
})

test('hits of an older revision are recorded for the rules that are still the same', async () => {
  const old = await revise('rules', plain('same'), plain('changed', 'before'), plain('went'))
  await revise('rules', plain('same'), plain('changed', 'after'), plain('new'))
  const id = await sample(1)
  assert.equal(await record(id, 1, [old, 'same'], [old, 'changed'], [old, 'went']), 1)
  assert.deepEqual(await listed(['rules']), [`rules same ${id}`])
})

test('several rulesets list the samples that match all of them, with a row for each rule', async () => {
  const [a, b, c] = [
    await revise('aaa', plain('a1'), plain('a2')),
    await revise('bbb', plain('b1')),
    await revise('ccc', plain('c1')),
  ]
  const [one, two, three] = [await sample(1), await sample(2), await sample(3)]
  await record(one, 1, [a, 'a1'], [b, 'b1'])
  await record(two, 1, [a, 'a1'], [a, 'a2'], [b, 'b1'], [c, 'c1'])
  await record(three, 1, [b, 'b1'], [c, 'c1'])
  assert.deepEqual((await listed(['aaa', 'bbb'])).sort(), [
    `aaa a1 ${one}`,
    `aaa a1 ${two}`,
    `aaa a2 ${two}`,
    `bbb b1 ${one}`,
    `bbb b1 ${two}`,
  ])
  assert.deepEqual((await listed(['ccc', 'aaa', 'bbb'])).sort(), [
    `aaa a1 ${two}`,
    `aaa a2 ${two}`,
    `bbb b1 ${two}`,
    `ccc c1 ${two}`,
  ])
  assert.deepEqual(await listed(['bbb', 'bbb']), await listed(['bbb']), 'a name that is said twice counts once')
  const page = await matches.list({ names: ['aaa', 'bbb'], page: { number: 2, size: 3 } })
  assert.deepEqual([page.count, page.results.length], [5, 2])
})

test('pages follow each other without a gap or a double, newest first, also counted from the end', async () => {
  const [a, b] = [await revise('aaa', plain('one')), await revise('bbb', plain('one'))]
  for (let n = 1; n <= 23; n += 1) await record(await sample(n), n, [a, 'one'], [b, 'one'])
  for (const names of [['aaa'], ['aaa', 'bbb']]) {
    const whole = await listed(names)
    assert.equal(whole.length, 23 * names.length)
    assert.match(whole[0] ?? '', / 23$/)
    for (const size of [1, 4, 10, 23, 100]) {
      const pages: string[] = []
      const count = Math.ceil(whole.length / size)
      for (let number = 1; number <= count; number += 1) pages.push(...(await listed(names, number, size)))
      assert.deepEqual(pages, whole, `${names} in pages of ${size}`)
      await assert.rejects(listed(names, count + 1, size), { code: 'page.beyond-end' })
    }
  }
})

test('a list without matches is empty, one without a name or with an unknown one fails', async () => {
  await revise('rules', plain('one'))
  await revise('other', plain('one'))
  for (const names of [['rules'], ['rules', 'other']]) {
    for (const page of [null, { number: 1, size: 10 }]) {
      assert.deepEqual(await matches.list({ names, page }), { count: 0, results: [] })
    }
  }
  await assert.rejects(matches.list({ names: [], page: null }), { code: 'ruleset.name-invalid', status: 400 })
  await assert.rejects(matches.list({ names: ['rules', 'nothing'], page: null }), {
    code: 'ruleset.not-found',
    status: 404,
    detail: { name: 'nothing' },
  })
})

test('more matches than are read at once all come, in order', async () => {
  const revision = await revise('rules', ...Array.from({ length: 3_001 }, (_, n) => plain(`rule${n}`)))
  const id = await sample(1)
  await record(id, 1, ...Array.from({ length: 3_001 }, (_, n): [number, string] => [revision, `rule${n}`]))
  const { count, results } = await matches.list({ names: ['rules'], page: null })
  assert.equal(count, 3_001)
  assert.deepEqual(
    results.map((row) => row.id),
    Array.from({ length: 3_001 }, (_, n) => 3_001 - n),
  )
})

test('more common samples than are looked up at once are all listed, each once', async () => {
  const [a, b] = [await revise('aaa', plain('one'), plain('two')), await revise('bbb', plain('one'))]
  const samples = 5_003
  const made = sql`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${samples})`
  await sql`INSERT INTO samples (id, sha256, sha1, size, stored, state, file_type, type_description, name, first_seen, last_seen)
    ${made} SELECT n, randomblob(32), randomblob(20), n, 1, 'processed', 'PE/Exe', '', n, 1, 1 FROM numbers`.execute(
    database,
  )
  await sql`INSERT INTO matches (ruleset_id, sample_id, rule, revision_id, created)
    ${made} SELECT column1, n, column2, column3, 1 FROM numbers
    CROSS JOIN (VALUES (1, 'one', ${a}), (1, 'two', ${a}), (2, 'one', ${b}))`.execute(database)
  const { count, results } = await matches.list({ names: ['aaa', 'bbb'], page: { number: 2, size: 10_000 } })
  assert.deepEqual([count, results.length], [3 * samples, 3 * samples - 10_000])
  assert.deepEqual(
    results.map((row) => row.id),
    Array.from({ length: 3 * samples - 10_000 }, (_, n) => 3 * samples - 10_000 - n),
  )
})

test('the gravest verdict classifies: malicious before suspicious, then the higher risk', async () => {
  const suspicious: RuleSummary = { ...malicious('sus', 'S', 5), tags: ['tc_detection', 'suspicious'] }
  const revision = await revise('rules', suspicious, malicious('low', 'L', 1), malicious('high', 'H', 4), plain('no'))
  const id = await sample(1, { fileType: 'ELF64 Little/Exe' })
  await record(id, 1, [revision, 'no'])
  const unknown = { classification: 0, risk_score: null, threat_name: null, classification_origin: null }
  assert.deepEqual(await classificationOf(id), unknown)
  const verdict = (classification: number, risk_score: number, threat_name: string) => ({
    classification,
    risk_score,
    threat_name,
    classification_origin: 'rules',
  })
  await record(id, 1, [revision, 'sus'])
  assert.deepEqual(await classificationOf(id), verdict(2, 10, 'Linux.Trojan.S'))
  await record(id, 1, [revision, 'low'])
  assert.deepEqual(await classificationOf(id), verdict(3, 6, 'Linux.Trojan.L'))
  await record(id, 1, [revision, 'high'])
  assert.deepEqual(await classificationOf(id), verdict(3, 9, 'Linux.Trojan.H'))
  await revise('rules', suspicious, malicious('low', 'L', 1))
  assert.deepEqual(await classificationOf(id), verdict(3, 6, 'Linux.Trojan.L'), 'the other rule went')
  await revise('rules', suspicious, malicious('low', 'Renamed', 2))
  assert.deepEqual(await classificationOf(id), verdict(3, 7, 'Linux.Trojan.Renamed'), 'only its metadata changed')
  await revise('rules', suspicious)
  assert.deepEqual(await classificationOf(id), verdict(2, 10, 'Linux.Trojan.S'))
  await revise('rules')
  assert.deepEqual(await classificationOf(id), unknown)
})

test('the platform of a threat is that of the rule’s name, else of the file type', async () => {
  let number = 0
  const platform = async (fileType: string, rule: string): Promise<string | undefined> => {
    number += 1
    const id = await sample(number, { fileType })
    await record(id, 1, [await revise(`set${number}`, malicious(rule, 'X', 5)), rule])
    return (await classificationOf(id)).threat_name?.replace('.Trojan.X', '')
  }
  assert.equal(await platform('PE/Exe', 'Linux_Worm'), 'Linux')
  assert.equal(await platform('PE/Exe', 'worm'), 'Win32')
  assert.equal(await platform('PE+/Dll', 'worm'), 'Win64')
  assert.equal(await platform('PE/.Net Exe', 'worm'), 'ByteCode-MSIL')
  assert.equal(await platform('MachO64 Little/Exe', 'worm'), 'MacOS')
  assert.equal(await platform('Document/None/PDF', 'worm'), 'Document')
  assert.equal(await platform('Text/HTML/HTML', 'worm'), 'Text-HTML')
  assert.equal(await platform('Unknown', 'worm'), 'Binary')
})

test('a user’s word outranks the rules, and what they say comes back when it is taken back', async () => {
  const revision = await revise('rules', malicious('bad', 'X', 5))
  const id = await sample(1)
  const classify = (own: Parameters<typeof classifyByUser>[2]) =>
    store.transaction('classify', (tx) => classifyByUser(tx, id, own))
  await classify({ classification: 1, riskScore: 3, threatName: null })
  await record(id, 1, [revision, 'bad'])
  const goodware = { classification: 1, risk_score: 3, threat_name: null, classification_origin: 'user' }
  assert.deepEqual(await classificationOf(id), goodware)
  await classify(null)
  assert.deepEqual(await classificationOf(id), {
    classification: 3,
    risk_score: 10,
    threat_name: 'Win32.Trojan.X',
    classification_origin: 'rules',
  })
  await classify({ classification: 2, riskScore: null, threatName: 'Mine' })
  assert.deepEqual(await classificationOf(id), {
    classification: 2,
    risk_score: 6,
    threat_name: 'Mine',
    classification_origin: 'user',
  })
  for (const [classification, riskScore] of [
    [1, 6],
    [2, 5],
    [3, 11],
    [1, Number.NaN],
  ] as const) {
    await assert.rejects(classify({ classification, riskScore, threatName: null }), { code: 'parameter.out-of-range' })
  }
})

test('counts follow a sample through its classifications and out of the store', async () => {
  const [a, b] = [await revise('aaa', malicious('bad', 'X', 5), plain('one')), await revise('bbb', plain('one'))]
  const id = await sample(1)
  const counts = async (): Promise<string[]> => {
    const rows = await database.selectFrom('ruleset_counts').selectAll().where('matches', '>', 0).execute()
    return rows.map((row) => `${row.ruleset_id}:${row.classification}:${row.matches}`).sort()
  }
  await record(id, 1, [a, 'one'], [b, 'one'])
  assert.deepEqual(await counts(), ['1:0:1', '2:0:1'])
  await record(id, 1, [a, 'bad'])
  assert.deepEqual(await counts(), ['1:3:2', '2:3:1'])
  await database.deleteFrom('samples').where('id', '=', id).execute()
  assert.deepEqual(await counts(), [])
})

test('the statements of lists and classifications look up in indexes and never read a table through', async () => {
  const planOf = async ({ sql, parameters }: CompiledQuery): Promise<string> => {
    const explained = CompiledQuery.raw(`EXPLAIN QUERY PLAN ${sql}`, [...parameters])
    const { rows } = await database.executeQuery<{ detail: string }>(explained)
    return rows.map((row) => row.detail).join('\n')
  }
  assert.equal(
    await planOf(matchIds(database, 1).orderBy('matches.id', 'desc').limit(10).compile()),
    'SEARCH matches USING COVERING INDEX matches_by_ruleset (ruleset_id=?)',
    'a page of one ruleset is read off one index, without sorting',
  )

  const several = await planOf(commonStep(sqliteEngine, [1, 2, 3], 0).compile(database))
  assert.match(several, /SEARCH matches USING COVERING INDEX .*\(sample_id=\? AND ruleset_id=\?\)/)
  assert.match(several, /SEARCH known USING COVERING INDEX .*\(ruleset_id=\? AND sample_id>\?\)/)
  assert.match(several, /SEARCH also .*COVERING INDEX .*\(sample_id=\? AND ruleset_id=\?\)/)

  const classifying = await planOf(classificationUpdate(sqliteEngine, [1]).compile(database))
  assert.match(classifying, /SEARCH matches USING INDEX matches_by_sample \(sample_id=\?\)/)
  assert.match(classifying, /SEARCH verdicts USING PRIMARY KEY \(ruleset_id=\? AND rule=\?\)/)

  const rows = await planOf(
    matchesWithSamples(database)
      .where('matches.id', 'in', sqliteEngine.listOf([1]))
      .compile(),
  )
  const ofSample = await planOf(matchesWithSamples(database).where('matches.sample_id', '=', 1).compile())
  assert.match(ofSample, /SEARCH matches USING INDEX matches_by_sample/)
  for (const plan of [several, classifying, rows, ofSample]) {
    assert.doesNotMatch(plan, /SCAN (matches|samples|rulesets|verdicts|known|also)/)
  }
})

test('orders by name, threat and size are read off their indexes, behind any place, without sorting', async () => {
  for (const by of ['name', 'threat', 'size'] as const) {
    for (const descending of [false, true]) {
      for (const from of [null, { value: by === 'size' ? 7 : 'n', sampleId: 3, id: 2 }]) {
        const steps = orderSteps(sqliteEngine, { by, descending }, sql`TRUE`, from, 64)
        assert.equal(steps.length, by === 'name' ? 2 : 1)
        for (const step of steps) {
          const { sql: text, parameters } = step.compile(database)
          const explained = CompiledQuery.raw(`EXPLAIN QUERY PLAN ${text}`, [...parameters])
          const { rows } = await database.executeQuery<{ detail: string }>(explained)
          const plan = rows.map((row) => row.detail).join('\n')
          const looks = plan.split('\n').filter((line) => line.includes(`_by_${by}`))
          if (from === null) assert.match(looks.join('\n'), /^(SCAN|SEARCH) (samples|matches) USING (COVERING )?INDEX/)
          else {
            // What is left of the place's value, then what is behind it.
            assert.equal(looks.length, 2, plan)
            assert.match(looks[0] ?? '', /^SEARCH .*=\? AND .*[<>]/)
            assert.match(looks[1] ?? '', /^SEARCH .*\([^=]*[<>]\?\)$/)
          }
          assert.doesNotMatch(plan, /SCAN (samples|matches)$/m)
          // The rows of a step are put in order, and not all that have the value.
          assert.doesNotMatch(plan, new RegExp(`_by_${by}\\b.*\nUSE TEMP B-TREE`))
        }
      }
    }
  }
})

test('reclassifying nothing is nothing', async () => {
  await assert.doesNotReject(store.classifications.update([]))
})

test('keys of revisions are told from others', () => {
  assert.equal(revisionIdOf(revisionKey(12)), 12)
  for (const key of ['h1.0', 'r', 'rx', 'r1.5', '']) assert.equal(revisionIdOf(key), null)
})
