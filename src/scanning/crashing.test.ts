/**
 * Rulesets that take the engine's process down, among healthy ones. What each does depends on the samples: the checks
 * of a text when it is saved would find out what always fails.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenSeed, randomFrom } from '../../test/planner/random.ts'
import { hostileMachO } from './fixtures/hostile-macho.ts'
import { always, endless, hello, item, noVariables, openPool, ruleset, summary } from './fixtures/open-pool.ts'
import type { RunnableRuleset, TaskOutput, WorkerPool } from './index.ts'

const when = 'strings: $when = "trouble" condition: $when and'

/** One a way of taking a worker down. */
const ways: Readonly<Record<string, (n: number) => string>> = {
  overflow: (n) => `rule overflow${n} { ${when} ((filesize - filesize + ~9223372036854775807) \\ -1) != ${n} }`,
  endless: (n) => `rule endless${n} { ${when} for all i in (0..9000000000) : ( i >= ${n} - ${n} ) }`,
  // A regular expression of a condition is compiled when it is first asked.
  regexp: (n) => `rule regexp${n} { ${when} "${n}" matches /([a-z]{2000}){1000}/ }`,
  compile: (n) => `import "macho" rule compile${n} { condition: macho.segments[${n}].filesize == 4096 }`,
}

function crashing(count: number): RunnableRuleset[] {
  const kinds = Object.entries(ways)
  return Array.from({ length: count }, (_, n) => {
    const [kind, text] = kinds[n % kinds.length] ?? assert.fail('no kind')
    return ruleset(`${kind}${n}`, text(n))
  })
}

const healthy = [
  hello,
  always,
  ruleset('troubled', 'rule troubled { strings: $ = "trouble" condition: all of them }'),
  ruleset('module', 'import "pe" rule module { condition: not pe.is_pe }'),
]
/** What the healthy ones find in `samples`. */
const samples = {
  calm: 'hello',
  mixed: 'hello trouble',
  bad: 'trouble',
  worse: 'more trouble',
  worst: 'hello, last trouble',
}
const found = [
  '1: hello always module',
  '2: hello always troubled module',
  '3: always troubled module',
  '4: always troubled module',
  '5: hello always troubled module',
]

function foundByHealthy({ results }: TaskOutput<'verify'>): string[] {
  const names = healthy.map(({ key }) => key)
  return results.map(({ sample, hits }) => {
    const keys = new Set(hits.map(({ ruleset }) => ruleset))
    return [`${sample}:`, ...names.filter((name) => keys.has(name))].join(' ')
  })
}

const skippedPairs = ({ results }: TaskOutput<'verify'>) =>
  new Set(results.flatMap(({ errors }) => errors.map(({ ruleset }) => ruleset)))

async function verifyAll(pool: WorkerPool, id: string, paths: readonly string[]): Promise<TaskOutput<'verify'>> {
  const items = paths.map((path, n) => item(n + 1, path))
  return pool.run('verify', { ruleSet: id, items, strings: false }, { priority: 'hunt' })
}

test('rulesets that end their worker, however many and in whatever order, cost the healthy ones nothing', async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  for (const count of process.env.BACKTRAIL_LONG === '1' ? [2, 4, 8] : [4]) {
    const { pool, sample } = openPool(t, { limits: { scanMs: 500 } })
    const paths = Object.entries(samples).map(([name, content]) => sample(name, content))
    const rulesets = random.shuffled([...healthy, ...crashing(count)])
    const order = rulesets.map(({ key }) => key).join(' ')
    pool.setRuleSet({ id: 'set', rulesets })
    const output = await verifyAll(pool, 'set', paths)
    assert.deepEqual(foundByHealthy(output), found, order)
    assert.deepEqual(
      [...skippedPairs(output)].sort(),
      crashing(count)
        .map(({ key }) => key)
        .sort(),
      order,
    )
    await pool.stop(0)
  }
})

test('an arriving sample is matched with the healthy rulesets, whatever the others do', async (t) => {
  const { pool, sample } = openPool(t, { limits: { scanMs: 500 } })
  pool.setRuleSet({ id: 'live:1', rulesets: [...crashing(4), ...healthy] })
  const [md5, sha1, sha256, sha512] = [16, 20, 32, 64].map((length) => new Uint8Array(length)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  for (const [name, content] of Object.entries(samples)) {
    const path = sample(name, content)
    const digests = { size: content.length, sha256, sha1, md5, sha512 }
    const { filetype: _, ...variables } = noVariables
    const input = { path, digests, ruleSet: 'live:1', variables, without: [], scan: true }
    const { hits, errors } = await pool.run('examine', input, { priority: 'live' })
    const keys = healthy.map(({ key }) => key)
    const expected = found[Object.keys(samples).indexOf(name)]?.split(': ')[1]
    assert.equal(hits.map(({ ruleset }) => ruleset).join(' '), expected)
    assert.ok(errors.every(({ ruleset }) => !keys.includes(ruleset)))
  }
})

test('a ruleset that fails on three samples is set aside at once, in every task and lane', async (t) => {
  const { pool, sample } = openPool(t, { limits: { scanMs: 500 } })
  const [overflow] = crashing(1)
  pool.setRuleSet({ id: 'one', rulesets: [overflow ?? always, hello] })
  const path = (n: number) => sample(`sample-${n}`, `hello trouble ${n}`)
  const items = Array.from({ length: 40 }, (_, n) => item(n, path(n)))
  const output = await pool.run('verify', { ruleSet: 'one', items, strings: false }, { priority: 'hunt' })
  assert.equal(output.results.filter(({ hits }) => hits.length === 1).length, items.length)
  const reasons = output.results.map(({ errors: [failure] }) => failure?.reason)
  assert.deepEqual(reasons, [...Array(3).fill('crash'), ...Array(37).fill('quarantine')])
  assert.match(output.results[39]?.errors[0]?.message ?? '', /set aside after 3 samples.*ended the worker/)
  // One while both rulesets were compiled together, two for the first sample, since a crash may be chance, and one for
  // each of the others.
  const lost = pool.statistics().restarts.crash
  assert.ok(lost <= 5, `${lost} workers were lost`)
  // Another set, another priority, and another ruleset with the same text.
  const twin = ruleset('twin', overflow?.content ?? '')
  pool.setRuleSet({ id: 'two', rulesets: [hello, overflow ?? always] })
  const other = await pool.run(
    'verify',
    { ruleSet: 'two', items: [item(1, path(41))], strings: true },
    { priority: 'interactive' },
  )
  assert.deepEqual(summary(other), ['1: hello overflow0=quarantine'])
  assert.equal(pool.statistics().restarts.crash, lost)
  // Whoever enables it again gives it another chance.
  pool.setRuleSet({ id: 'live:2', rulesets: [overflow ?? always, twin] })
  const again = await verifyAll(pool, 'live:2', [path(42)])
  assert.deepEqual(summary(again), ['1: overflow0=crash twin=crash'])
})

test('a bundle that ends its worker is taken apart, and what it is made of runs on', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1, limits: { scanMs: 60_000 } })
  const many = Array.from({ length: 60 }, (_, n) =>
    ruleset(`many${n}`, `rule many${n} { strings: $ = "hello" condition: any of them }`),
  )
  const [overflow] = crashing(1)
  const rulesets = [...many.slice(0, 30), overflow ?? always, ...many.slice(30)]
  pool.setRuleSet({ id: 'set', rulesets })
  const filler = 'x'.repeat(3_000_000)
  const keys = many.map(({ key }) => key)
  // Enough scans that compiling all of them together pays, then samples that the bundle ends its worker on although the
  // ruleset at fault was not asked for.
  const items = [
    ...Array.from({ length: 6 }, (_, n) => item(n, sample(`calm-${n}`, `hello ${n} ${filler}`))),
    ...Array.from({ length: 8 }, (_, n) => item(10 + n, sample(`bad-${n}`, `hello trouble ${n} ${filler}`), keys)),
  ]
  const output = await pool.run('verify', { ruleSet: 'set', items, strings: false }, { priority: 'hunt' })
  assert.deepEqual(
    output.results.map(({ hits, errors }) => `${hits.length} ${errors.length}`),
    items.map(() => '60 0'),
  )
})

test('a sample on which a module of the engine hangs is given up for rulesets that import it, and blames none', async (t) => {
  const { pool, sample } = openPool(t, { limits: { scanMs: 500 } })
  const one = ruleset('one', 'import "macho" rule one { condition: macho.filetype == 7 or filesize > 0 }')
  const other = ruleset(
    'other',
    'import /* as "pe" */ "macho" rule other { condition: filesize > 0 or macho.ncmds == 1 }',
  )
  pool.setRuleSet({ id: 'set', rulesets: [one, always, other] })
  const items = Array.from({ length: 3 }, (_, n) => item(n, sample(`hostile-${n}`, hostileMachO(n))))
  const output = await pool.run('verify', { ruleSet: 'set', items, strings: false }, { priority: 'hunt' })
  assert.deepEqual(
    summary(output),
    items.map(({ sample }) => `${sample}: always one=module other=module`),
  )
  assert.match(output.results[0]?.errors[0]?.message ?? '', /module macho fails on the sample/)
  // What is known of a sample costs no worker again, and elsewhere the rulesets run.
  const lost = pool.statistics().restarts.timeout
  const calm = item(9, sample('calm', 'hello'))
  const again = await pool.run(
    'verify',
    { ruleSet: 'set', items: [...items.slice(0, 1), calm], strings: false },
    { priority: 'interactive' },
  )
  assert.deepEqual(summary(again), ['0: always one=module other=module', '9: one always other'])
  assert.equal(pool.statistics().restarts.timeout, lost)
})

test('while hunts hold every worker in scans without an end, an arriving sample gets one', async (t) => {
  const { pool, sample } = openPool(t, { limits: { scanMs: 600_000 } })
  pool.setRuleSet({ id: 'set', rulesets: [hello, endless] })
  const spinning = sample('spinning', 'spin')
  const stop = new AbortController()
  const how = { priority: 'hunt', group: 'user:1', signal: stop.signal } as const
  const hunts = [1, 2, 3].map((n) =>
    pool.run('verify', { ruleSet: 'set', items: [item(n, spinning)], strings: false }, how).catch((error) => error),
  )
  const calm = sample('calm', 'hello')
  const verify = (priority: 'live' | 'interactive' | 'hunt') =>
    pool.run('verify', { ruleSet: 'set', items: [item(1, calm)], strings: false }, { priority, group: 'user:2' })
  // Others' hunts go on as well.
  for (const priority of ['live', 'interactive', 'hunt'] as const)
    assert.deepEqual(summary(await verify(priority)), ['1: hello'])
  // What is cancelled ends at once, and is over only then.
  stop.abort(new Error('cancelled'))
  for (const ended of await Promise.all(hunts)) assert.match(String(ended), /cancelled/)
  const scanning = pool.statistics().processes.filter(({ at, busy }) => busy && at?.stage === 'scan')
  assert.deepEqual(scanning, [])
  assert.deepEqual(summary(await verify('hunt')), ['1: hello'])
  assert.deepEqual(pool.statistics().restarts, { crash: 0, timeout: 0, memory: 0 })
})

test('what cannot be run is refused when it is checked, with a sentence', async (t) => {
  const { pool } = openPool(t, { workers: 0, limits: { scanMs: 8_000 } })
  const check = (content: string) => pool.run('check', { content }, { priority: 'interactive' })
  const refused: readonly (readonly [code: string, content: string])[] = [
    ['trial-crash', 'rule a { condition: ((filesize - filesize + ~9223372036854775807) \\ -1) != 0 }'],
    ['compile-crash', 'import "macho" rule a { condition: macho.segments[1].filesize == 4096 }'],
    ['trial-crash', 'rule a { condition: "abc" matches /([a-z]{2000}){1000}/ }'],
    // Behind a condition that no sample of ours fulfils.
    ['trial-crash', 'rule a { condition: filesize > 1MB and filename matches /([a-z]{2000}){1000}/i }'],
    ['trial-timeout', 'rule a { condition: for all i in (0..9000000000) : ( i >= 0 ) }'],
  ]
  for (const [code, content] of refused) {
    const { valid, diagnostics } = await check(content)
    assert.equal(valid, false, content)
    assert.equal(diagnostics[0]?.code, code, content)
    assert.match(diagnostics[0]?.message ?? '', /engine fails|do not come to an end/)
  }
  const fine =
    'import "pe" import "macho" rule a { condition: pe.is_pe or macho.filetype == 2 or filename matches /a+/ }'
  assert.equal((await check(fine)).valid, true)
})
