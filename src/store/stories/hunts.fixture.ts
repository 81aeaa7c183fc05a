import type { Store } from '../store.ts'
import { byId, type Tell } from './telling.fixture.ts'

export async function hunting(store: Store, tell: Tell): Promise<void> {
  const { retention, hunts, hits, feeds, journal, audit, samples, rulesets, intake, matches } = store
  const adHoc = { title: 't', texts: Buffer.from('[]'), selection: '{}', useIndex: false }
  const rulesetsOf = [{ rulesetId: 1, revisionId: 1 }]
  const shared = { created: 1, lastSampleId: 9 }
  tell('hunts', [
    await hunts.add({ kind: 'ad-hoc', state: 'queued', startedBy: 1, adHoc, ...shared }),
    await hunts.add({
      kind: 'local-retro',
      state: 'starting',
      startedBy: 2,
      rulesets: rulesetsOf,
      samples: 8,
      ...shared,
    }),
    await hunts.add({
      kind: 'retro',
      state: 'queued',
      startedBy: 4,
      retro: { rulesetId: 6, analysedSince: 1 },
      ...shared,
    }),
  ])
  const match = (rule: string) => ({ rulesetId: 1, revisionId: 1, rule, name: null })
  await matches.add(1, [match('early')], 1)
  await matches.add(2, [match('early'), match('late')], 50)
  await matches.addToRun(2, 1, [match('early'), match('none')])
  await matches.addToRun(2, 2, [match('early'), match('late')])
  await matches.addToRun(2, 2, [match('late')])
  // Ids that the databases count up differently where rows are there already: by their places.
  const places = (await matches.search([], {}, { limit: 9, oldestFirst: true })).results.map(({ id }) => id)
  const inRun = async () =>
    byPlace([
      await matches.search([], { run: 2 }, { limit: 2 }),
      await matches.search([1], { run: 2 }, { limit: 9, oldestFirst: true }),
      await matches.search([2], { run: 2 }, { limit: 9 }),
      (await matches.searchIds([], { run: 2 }, { limit: 9 })).ids.map(placeOf),
      await matches.search([], { run: 2, newInRun: true, from: 40 }, { limit: 9 }),
      await matches.countFound([], { run: 2, exactRule: 'late' }),
      await matches.searchGroups([], { run: 2 }, 'sample', { limit: 9 }),
      await matches.searchGroups([1], { minSize: 1 }, 'rule', { limit: 1 }),
      await matches.searchGroups([1], { minSize: 1 }, 'rule', { limit: 9, after: (places[1] ?? 0) + 1 }),
      await matches.search(
        [],
        { sample: { kind: 'number', field: 'size', bounds: { from: 1, to: null } } },
        { limit: 9 },
      ),
    ])
  const placeOf = (id: number) => places.indexOf(id)
  const byPlace = (answer: unknown) =>
    JSON.parse(JSON.stringify(answer, (key, value) => (['id', 'next'].includes(key) && value ? placeOf(value) : value)))
  tell('in a run', await inRun())
  const { results: listed } = await matches.search([], {}, { limit: 9 })
  for (const by of ['rule', 'ruleset', 'name', 'classification', 'threat', 'type', 'size'] as const) {
    const ids = listed.map(({ id }) => id)
    const orders = [await matches.sort(ids, by, true), await matches.sort(ids, by, false)]
    tell(
      `sorted by ${by}`,
      orders.map((order) => order.map(placeOf)),
    )
  }
  for (const by of ['name', 'threat', 'size'] as const) {
    for (const descending of [false, true]) {
      const order = { by, descending }
      const first = await matches.searchInOrder([], {}, { ...order, limit: 2, after: null })
      const rest = await matches.searchInOrder([], {}, { ...order, limit: 9, after: first.next })
      const ofRun = await matches.searchInOrder([1], { run: 2, ofAll: [1] }, { ...order, limit: 9, after: null })
      tell(`in the order of ${by}`, [
        ...[first, rest, ofRun].map(({ results }) => results.map(({ rule, filename, sha1 }) => [rule, filename, sha1])),
        ...[first, rest, ofRun].map(({ next }) => next && [next.value, next.sampleId]),
      ])
    }
  }
  for (const by of ['rule', 'ruleset', 'classification', 'type'] as const) {
    for (const descending of [false, true]) {
      const first = await matches.values([], { by, from: null, isBehind: false, descending, most: 2 })
      const from = first.at(-1)?.value ?? null
      const then = { by, from, descending, most: 9 }
      tell(`values of ${by}`, [
        first,
        await matches.values([], { ...then, isBehind: true }),
        await matches.values([1], { ...then, isBehind: false }),
      ])
    }
  }
  await matches.deleteOfRuns(1)
  tell('in the last run', await inRun())
  await matches.deleteOfRuns(0)
  tell('in no run', await inRun())
  await matches.deleteOfRules(1, 'all')
  tell('requeued', [await hunts.requeue('local-retro'), await hunts.unfinishedState('local-retro')])
  tell('unfinished', [await hunts.unfinished('local-retro'), await hunts.unfinished('ad-hoc')])
  tell('to run', [await hunts.findToRun(1), await hunts.findToRun(3), await hunts.revisionsOf(2)])
  const lost = { id: 1, fence: 99 }
  tell('claimed', [await hunts.claim(1, 4), await hunts.claim(99, 4), await hunts.findRunning(lost)])
  const held = (await hunts.claim(1, 5)) ?? lost
  tell('entered', [
    await hunts.enter(held, 'queued', 5),
    await hunts.enter(held, 'running', 6),
    await hunts.enter(lost, 'queued', 7),
    await hunts.findRunning(held),
  ])
  await hunts.advance(held, { cursor: 3, processed: 3, candidates: 2, scannedBytes: 2 ** 40, skipped: 1, matches: 1 })
  await hunts.advance(lost, { cursor: 9, processed: 9, candidates: 2, scannedBytes: 2 ** 40, skipped: 1, matches: 1 })
  await hunts.advance(held, { cursor: 5, processed: 5, candidates: 2, scannedBytes: 2 ** 40, skipped: 1, matches: 1 })
  tell('busy', [...(await retention.findBusy([4, 5, 6, 9, 10]))].sort())
  await hunts.setFailure(held, 'almost')
  await hunts.setSamples(held, 9)
  const hit = (rule: string, name: string | null) => ({ ruleset: 'r', rule, tags: ['t'], strings: '"\\u0000"', name })
  tell('hits', [
    await hits.add(1, 1, [hit('a', null), hit('b', 'n')]),
    await hits.list(1, 0, 5),
    await hits.list(1, 1, 5),
  ])
  tell('matched', [...(await retention.findMatched([1, 2, 3, 4, 5, 6, 7, 8, 9, 99]))].sort())
  await hunts.setTitle(1, 'named')
  const again = await hunts.add({
    kind: 'ad-hoc',
    state: 'queued',
    startedBy: 2,
    adHoc: { ...adHoc, repeats: 1 },
    ...shared,
  })
  await hits.add(again, 1, [hit('b', null), hit('c', null)])
  await hits.add(again, 2, [hit('b', null)])
  tell('compared', [
    await hits.countNew(again, 1),
    await hits.countNew(1, again),
    (await hits.list(again, 0, 5, 1)).map(({ rule, sha1 }) => [rule, sha1]),
    (await hunts.findAdHoc(again))?.repeats,
  ])
  await hunts.delete(again)
  tell('hits again', [await hits.add(1, 1, [hit('a', null)]), await hits.add(1, 99, [hit('a', null)])])
  tell('ended', [
    await hunts.enter(held, 'completed', 9),
    await hunts.enter(held, 'failed', 9, 'no'),
    await hunts.stop(1, 1, 9),
  ])
  tell('ad hoc', [await hunts.findAdHoc(1), await hunts.findAdHoc(2), await hunts.textsOf(1), await hunts.textsOf(2)])
  tell('listed', [
    await hunts.listAdHoc(null, { offset: 0, limit: 5 }),
    await hunts.listAdHoc(2, { offset: 0, limit: 5 }),
    await hunts.findTitled('T', 5),
    await hunts.findTitled('%', 5),
    await hunts.listRuns('local-retro', 5),
    await hunts.countRulesets([1, 2]),
    await hunts.findOfRuleset(6),
    await hunts.rulesetOf(3),
    await hunts.findExisting([1, 99]),
  ])
  tell('stopped', [await hunts.stopKind('local-retro', 1, 8), await hunts.stopKind('local-retro', 1, 9)])
  await ofParts(store, tell)
  await ofServers(store, tell)
  await hunts.deleteOfRuleset(6)
  await hunts.delete(1)
  tell('parts go with their hunt', await store.huntParts.list())

  await ofSegments(store, tell)

  const entry = (rulesetId: number) => ({ tenantId: 4, rulesetId, rules: [{ name: 'r' }] as never })
  tell('feed', [
    await feeds.add({ feed: 'live', second: 5, sampleId: 1 }, [entry(6)]),
    await feeds.add({ feed: 'live', second: 6, sampleId: 2 }, [entry(6)]),
    await feeds.add({ feed: 'retro', second: 6, sampleId: 2 }, [entry(6)]),
    await feeds.add({ feed: 'live', second: 7, sampleId: 2 }, [entry(6)]),
  ])
  const range = { tenantId: 4, feed: 'live', from: 0, to: 9 } as const
  tell('entries', [await feeds.list(range), await feeds.secondOfNth(range, 2), await feeds.secondOfNth(range, 3)])
  tell('ends', [await feeds.isEmpty(range), await feeds.lastSecond(6, 'live'), await feeds.lastSecond(1, 'live')])
  tell('deleted', [await feeds.deleteSomeBefore(6, 5), await feeds.deleteSome(6, 1), await feeds.deleteSome(5, 1)])
  await feeds.deleteOfRuleset(6, 'retro')

  await journal.add({ kind: 'k', message: 'x'.repeat(3_000), created: 1, sampleId: 1, rulesetId: 1 })
  await journal.add({ kind: 'k', message: 'second', created: 2 })
  tell('journal', [await journal.list(5), await journal.latestMessage('k'), await journal.latestMessage('none')])
  for (const [at, subjects] of [['Alpha', 'Ünder'], ['beta \0 \\u0000'], ['half \ud800 a pair']].entries())
    await audit.add({ time: at, user: `u${at}`, operation: 'o', subjects, subjectCount: 2, status: 200, address: 'a' })
  for (const subject of ['ALPHA', 'ü', 'Ü', 'BETA', 'pair'])
    tell(
      `audit ${subject}`,
      (await audit.list({ subject }, null, 5)).map(({ id }) => id),
    )
  tell('audit', [
    await audit.list({ user: 'u0', operation: 'o', from: 0, to: 5 }, null, 5),
    (await audit.list({}, 3, 1)).length,
  ])
  tell('old', [await audit.deleteBefore(2, 1), (await audit.list({}, null, 5)).map(({ id }) => id)])

  const state = { stage: 'arrived', depth: 0, password: null, archive: null, root: null } as const
  await intake.requeue(1)
  await intake.record([
    { ...state, sample: 1 },
    { ...state, sample: 1, password: 'p' },
  ])
  await intake.charge([{ archive: 1, root: 1, members: 2, bytes: 2 }], { members: 10, bytes: 10 })
  await intake.recordPlace(1, 'place', { members: 1, bytes: 1 })
  tell('intake', [await intake.allowance(1), await intake.next({ ids: [1] }, 5), await intake.membersOf([1])])
  const comeWith = (password: string) => intake.comeAgain(1, { ...state, password }, true)
  const added = [await comeWith('p'), await comeWith('q')]
  await intake.wait([{ ...state, sample: 1, generation: 3 }])
  added.push(await comeWith('r'))
  await intake.wait([{ ...state, sample: 1, generation: 3 }])
  added.push(await comeWith('r\ns'), await comeWith('s\nq'))
  tell('passwords', [added, (await intake.next({ ids: [1] }, 5)).samples.map((one) => one.state.password)])
  await intake.record([{ ...state, sample: 1, depth: 3, archive: 2, root: 2 }])
  await intake.comeAgain(1, { ...state, depth: 1, root: 5 }, true)
  tell('nearer', (await intake.next({ ids: [1] }, 5)).samples)
  await intake.comeAgain(1, state, true)
  tell('sent', (await intake.next({ ids: [1] }, 5)).samples)
  await intake.wait([{ ...state, sample: 1, generation: 3 }])
  tell('ready', [await intake.ready(), await intake.ready([2])])
  await intake.matchAgain([1])
  await intake.completeWaiting([1], 9)
  tell('forgotten', await intake.forget([1]))

  tell('deleted samples', [byId(await samples.deleteAll([1, 2, 99])), await samples.totals()])
  await rulesets.delete(6)
  await rulesets.delete(2)
  tell('without rulesets', [await rulesets.listLive(), await store.matches.count(null)])
}

/** Servers come, one works, and they go. */
async function ofServers({ servers, settings }: Store, tell: Tell): Promise<void> {
  const server = { name: 's', version: '1', workers: 0, url: 'http://s', certificate: '', term: null, started: 5 }
  tell('no server', [await servers.list(), await servers.findActive()])
  tell('servers', [
    await servers.add(server),
    await servers.add({ ...server, term: 'first' }),
    await servers.add({ ...server, term: 'second', certificate: 'c' }),
  ])
  tell('no term yet', await servers.findActive())
  for (const term of ['first', 'second', 'third']) {
    await settings.set('server-term', term)
    tell(term, [await servers.findActive(), (await servers.list()).map(({ isActive }) => isActive)])
  }
  tell('signs', [await servers.beat(1, 9), await servers.beat(3, 7), await servers.beat(99, 9), await servers.list()])
  await servers.deleteSilent(7)
  tell(
    'without the silent one',
    (await servers.list()).map(({ id }) => id),
  )
  await servers.delete([1, 99])
  tell('one is left', [await servers.list(), await servers.add(server)])
}

async function ofSegments({ segments }: Store, tell: Tell): Promise<void> {
  const stage = (file: string, process: string) => segments.stage({ file, process, at: 1 })
  tell('staged', [await stage('a', 'p'), await stage('b', 'p'), await stage('c', 'p'), await stage('d', 'gone')])
  const publish = (id: number, firstId: number) =>
    segments.publish(id, { firstId, lastId: 9, samples: 3, bytes: 50, at: 2 })
  tell('published', [await publish(1, 4), await publish(2, 1), await publish(3, 2), await publish(1, 4)])
  await segments.keepReader('p', 0)
  tell('given up', [await segments.giveUp(1, 3), await segments.giveUpOfGone(3), await segments.giveUpOfGone(3)])
  const another = await stage('e', 'p')
  tell('not needed', [await segments.giveUp(another, 4), await segments.giveUp(another, 4)])
  await segments.assign(1, [1, 2, 3])
  await segments.assign(2, [3, 4])
  tell('live', [await segments.listLive(), await segments.totals(), [...(await segments.countSamples())].sort()])
  tell('unindexed', [
    [...(await segments.unindexedIds())],
    await segments.countUnindexed(),
    await segments.findUnindexed(4, 2),
  ])
  tell('in segment', [
    byId(await segments.findInSegment(1, [1, 4])),
    await segments.findInSegment(1, []),
    await segments.measure(),
  ])
  tell('of segment', [await segments.countSamplesOf(1), (await segments.samplesOf(1)).sort()])
  await segments.moveSamples([1], 3)
  tell('moved', [
    await segments.generation(),
    await segments.retire([1, 99], 5),
    await segments.retire([], 6),
    await segments.generation(),
    await segments.releaseLost(),
  ])
  tell('damaged', [await segments.markDamaged(3, 7), await segments.markDamaged(3, 8), await segments.totals()])
  tell('retired', [await segments.listRetired(), (await segments.listFiles()).sort()])
  await segments.retireDamaged(9)
  await segments.delete([1, 2, 99])
  tell('left', [await segments.listRetired(), (await segments.listFiles()).sort()])
  await segments.keepReader('q', 1)
  await segments.keepReader('q', 2)
  tell('readers', await segments.listReaders())
  await segments.deleteReaders(['p', 'none'])
  tell('readers left', [await segments.listReaders(), await segments.giveUpOfGone(10)])
  await segments.deleteByFile('b')
  tell('no segments', [await segments.totals(), await segments.countUnindexed()])
}

/** Parts of hunt 1 go from hand to hand. */
async function ofParts({ huntParts, nodes }: Store, tell: Tell): Promise<void> {
  const node = { name: 'n', version: '1', workers: 2, cacheLimit: 2 ** 40, started: 5 }
  tell('nodes', [await nodes.add(node), await nodes.add({ ...node, name: 'm' })])
  const counts = { done: 1, failed: 2, refused: 3, cacheBytes: 2 ** 40 }
  tell('beats', [await nodes.beat(1, 7, counts), await nodes.beat(1, 8, counts), await nodes.beat(99, 8, counts)])
  tell('listed nodes', await nodes.list())
  await nodes.delete([2, 99])
  tell('nodes left', [(await nodes.list()).map(({ id }) => id), await nodes.add(node)])

  const bytes = (text: string) => Buffer.from(text)
  const upTo = (most: number) => [{ kinds: ['evaluate', 'verify'] as const, most }]
  tell('rules', [
    await huntParts.addRules(1, '1', bytes('rules')),
    await huntParts.addRules(1, '1', bytes('others')),
    await huntParts.findRules(1),
    await huntParts.findRules(99),
  ])
  const part = { rulesId: 1, kind: 'verify', input: bytes('in'), wantedBy: null, created: 5 } as const
  tell('offered', [
    await huntParts.offer({ ...part, wantedBy: 3 }),
    await huntParts.offer(part),
    await huntParts.offer({ ...part, kind: 'evaluate', created: 6 }),
    await huntParts.offer({ ...part, rulesId: 2 }),
  ])
  tell('claimed', [
    await huntParts.claim(1, upTo(2)),
    await huntParts.claim(1, upTo(0)),
    await huntParts.claim(3, upTo(1)),
    await huntParts.heldBy(1),
  ])
  tell('settled', [
    await huntParts.settle(2, 1, bytes('out')),
    await huntParts.settle(2, 1, bytes('twice')),
    await huntParts.settle(3, 0, bytes('an earlier fence')),
    await huntParts.settle(99, 1, bytes('gone')),
    await huntParts.fail(3, 9, 'no'),
    await huntParts.fail(3, 1, 'because'),
    await huntParts.giveBack(1, 7),
  ])
  tell('taken back', [await huntParts.takeBack([3, 99]), await huntParts.takeBack([]), await huntParts.list()])
  tell('late', [await huntParts.settle(1, 1, bytes('late')), await huntParts.claim(1, upTo(9))])
  tell('given back', [await huntParts.giveBack(1, 3), await huntParts.claim(1, upTo(9)), await huntParts.heldBy(1)])
  tell('results', await huntParts.results([1, 2, 3, 4, 99]))
  tell('withdrawn', [
    await huntParts.giveBack(4, 1),
    await huntParts.withdraw([4, 1, 2, 99]),
    await huntParts.withdraw([]),
  ])
  await huntParts.delete([2, 99])
  await huntParts.deleteRules(2)
  tell('parts left', await huntParts.list())
  await huntParts.clear()
  tell('cleared', [await huntParts.list(), await huntParts.findRules(1)])
  await huntParts.offer({ ...part, rulesId: await huntParts.addRules(1, '2', bytes('rules')) })
  tell('of another version', [
    (await huntParts.list()).length,
    await huntParts.claim(1, upTo(9)),
    await huntParts.claim(99, upTo(9)),
    await huntParts.claim(await nodes.add({ ...node, version: '2' }), upTo(9)),
  ])
  const live = await huntParts.addRules(null, '1', bytes('live'))
  tell('rules that run live', await huntParts.findRules(live))
  tell('parts of no hunt', [
    await huntParts.offer({ ...part, kind: 'merge', rulesId: live }),
    await huntParts.offer({ ...part, rulesId: live }),
    await huntParts.offer({ ...part, kind: 'examine', rulesId: live }),
    await huntParts.list(),
  ])
  tell('each kind up to its number', [
    await huntParts.claim(1, []),
    await huntParts.claim(1, [{ kinds: ['evaluate'], most: 9 }]),
    await huntParts.claim(1, [
      { kinds: ['merge', 'examine'], most: 1 },
      { kinds: ['verify'], most: 1 },
    ]),
    await huntParts.claim(1, [
      { kinds: ['examine'], most: 9 },
      { kinds: ['verify'], most: 0 },
    ]),
  ])
  const wanted = await huntParts.offer({ ...part, rulesId: live, wantedBy: 3 })
  tell('wanted of another node', await huntParts.claim(1, upTo(9)))
  await huntParts.offerToAll([wanted, 99])
  tell('offered to all', await huntParts.claim(1, upTo(9)))
  await huntParts.offerToAll([wanted])
  await huntParts.deleteRules(live)
}
