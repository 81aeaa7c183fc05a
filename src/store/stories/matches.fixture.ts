import type { Store } from '../store.ts'
import { byId, digestOf, digestsOf, type Tell } from './telling.fixture.ts'

export async function matching(store: Store, tell: Tell): Promise<void> {
  const {
    matches,
    classifications,
    samples,
    rulesets,
    cloudRulesets,
    outbox,
    cloudFeeds,
    scanFailures,
    ruleSwitches,
    allowLists,
  } = store
  await classifications.replaceVerdicts(1, [
    { rule: 'bad', classification: 3, riskScore: 9, platform: null, threat: 'Trojan.A' },
    { rule: 'odd', classification: 2, riskScore: 5, platform: 'Win32', threat: 'Adware.B' },
  ])
  tell(
    'verdicts',
    (await classifications.verdictsOf(1)).sort((a, b) => (a.rule < b.rule ? -1 : 1)),
  )
  const found = (rulesetId: number, rule: string, name: string | null = null) => ({
    rulesetId,
    revisionId: 2 * rulesetId - 1,
    rule,
    name,
  })
  tell('matches', [
    await matches.add(1, [found(1, 'bad'), found(1, 'odd', 'other name'), found(2, 'R_1')], 6_000),
    await matches.add(2, [found(1, 'odd'), found(2, 'R%1')], 7_000),
    await matches.add(3, [found(2, 'rx1')], 8_000),
  ])
  const [cloudOnly] = await samples.addInCloud([
    { sha1: digestOf('sha1', 'cloud'), size: 5, fileType: 'PE/Exe', seen: 9 },
  ])
  const cloudId = cloudOnly?.id ?? 0
  const finding = (sampleId: number, rule = 'bad') => ({ rulesetId: 1, revisionId: 1, rule, sampleId, at: 6_500 })
  tell('from cloud', [
    await matches.addFromCloud('live', [finding(cloudId), finding(1), finding(1)]),
    await matches.addFromCloud('retro', [finding(2)]),
  ])
  await classifications.update([1, 2, 3, cloudId])
  await classifications.setUserClassification(3, { classification: 1, riskScore: null, threatName: null })
  await classifications.update([3, 1])
  const states = async () => {
    const found = byId([...(await samples.findByIds([1, 2, 3, cloudId])).values()])
    return found.map((one) => [one.classification, one.riskScore, one.threatName, one.classificationOrigin])
  }
  tell('classified', await states())
  const counts = async () => [
    await samples.totals(),
    await matches.count(null),
    await matches.count([1]),
    (await rulesets.findEntry('beta'))?.counts,
    (await rulesets.findEntry('Alpha'))?.counts,
    await matches.countByName(['beta', 'Alpha', 'none']),
  ]
  tell('counts', await counts())
  await classifications.setUserClassification(3, null)
  await classifications.update([3])
  tell('counts again', [await counts(), await states()])
  tell('recorded', [await matches.countRecorded(6_000, 7_000), await matches.countByRevision(1)])
  tell('ids', [
    await matches.listIds(1, { offset: 0, limit: 2, count: 5 }),
    await matches.listIds(1, { offset: 3, limit: 2, count: 5 }),
    await matches.listCommonIds([2, 1]),
    await matches.findByIds([3, 1, 99]),
    await matches.findOfSample(1),
    (await matches.samplesOfRules(1, ['bad', 'odd'])).sort(),
  ])
  const byRule = await matches.countByRule(1)
  tell(
    'by rule',
    byRule.sort((a, b) => (a.rule < b.rule ? -1 : 1)),
  )
  await ruleSwitches.disable(1, ['odd', 'Odd', 'odd'], { userId: 1, at: 5 })
  await ruleSwitches.disable(1, ['odd'], { userId: 2, at: 6 })
  await ruleSwitches.disable(2, ['R_1', 'gone'], { userId: 2, at: 6 })
  await ruleSwitches.enable(2, ['gone', 'none'])
  tell('switched off', [
    await ruleSwitches.list(1),
    await ruleSwitches.count(2),
    (await rulesets.findEntry('beta'))?.disabledRules,
    await ruleSwitches.findDisabled([
      { rulesetId: 1, rule: 'odd' },
      { rulesetId: 2, rule: 'odd' },
      { rulesetId: 1, rule: 'odd' },
    ]),
    await ruleSwitches.findDisabled([]),
  ])
  const entry = { rulesetId: 1, rule: 'odd', kind: 'name', value: 'a*.exe' } as const
  const other = { ...entry, kind: 'hash', value: '00ff' } as const
  await allowLists.add(entry, { userId: 1, at: 5 })
  await allowLists.add(entry, { userId: 2, at: 6 })
  await allowLists.add({ ...entry, value: 'A*.exe' }, { userId: 2, at: 7 })
  await allowLists.add(other, { userId: 2, at: 8 })
  await allowLists.add({ ...other, rulesetId: 2, rule: 'R_1' }, { userId: 2, at: 9 })
  await allowLists.delete({ ...entry, value: 'A*.exe' })
  await allowLists.delete({ ...entry, rule: 'none' })
  const allowed = await allowLists.findOf([
    { rulesetId: 1, rule: 'odd' },
    { rulesetId: 1, rule: 'odd' },
    { rulesetId: 2, rule: 'odd' },
  ])
  tell('allowed', [
    await allowLists.list(1),
    await allowLists.count(entry),
    allowed.sort((a, b) => (a.kind < b.kind ? -1 : 1)),
    await allowLists.findOf([]),
  ])
  for (const conditions of [
    {},
    { enabledRules: true },
    { rule: 'R_' },
    { rule: 'r%' },
    { cloud: true },
    { revision: 1 },
    { classifications: [2, 3] },
    { fileTypes: ['PE/Exe'] },
    { tag: 'b' },
    { minSize: 200, maxSize: 300 },
    { from: 6_500, to: 7_500 },
    { together: true },
  ] as const)
    for (const chosen of [[], [1], [1, 2]]) {
      const page = await matches.search(chosen, conditions, { limit: 2 })
      tell(`search ${chosen} ${JSON.stringify(conditions)}`, [
        page,
        page.next === null ? null : await matches.search(chosen, conditions, { limit: 9, after: page.next }),
        await matches.countFound(chosen, conditions),
      ])
    }
  tell('of both feeds', [
    await matches.addFromCloud('retro', [finding(1), finding(2)]),
    await matches.addFromCloud('retro', [finding(1)]),
    await matches.add(3, [found(2, 'rx1')], 9_000),
    await matches.count(null),
  ])
  tell('in cloud', byId(await samples.findMatchedInCloud([1, 2, 3])))
  const [twin] = await samples.add([{ name: 'twin', size: 5, ...digestsOf('cloud') }], 3)
  const [known] = await samples.findCloudTwins([twin?.id ?? 0])
  tell('twins', known)
  if (known) {
    await samples.takeOver(known)
    await matches.moveFromCloud(known)
  }
  await samples.delete(cloudId)
  tell('counts after the twin', await counts())
  tell('cleared', [(await matches.clearRetro(1)).sort(), await counts()])
  await matches.deleteOfRules(2, ['R_1'])
  await rulesets.forgetLastMatched(1)
  await matches.deleteOfRules(1, 'all')
  await rulesets.forgetLastMatched(1)
  tell('without', [await counts(), (await rulesets.findEntry('beta'))?.lastMatched])
  const left = { sha1: digestOf('sha1', 'left'), md5: digestOf('md5', 'left'), fileType: '', seen: 4 }
  tell(
    'left',
    (await samples.leaveInCloud({ ...left, size: 3 })) === (await samples.leaveInCloud({ ...left, size: 4 })),
  )
  await samples.deleteUnreferenced()
  tell('unreferenced', await samples.findBySha1([left.sha1]))

  tell('failures', [await scanFailures.add(2, 1), await scanFailures.add(2, 1), await scanFailures.count(2)])
  tell('on sample', await scanFailures.revisionsOn(1))
  await scanFailures.deleteAll(2)

  tell('cloud ruleset', [
    await cloudRulesets.write(1, { state: 'stored', revisionId: 1 }),
    await cloudRulesets.write(99, {}),
  ])
  tell('written', await cloudRulesets.write(1, { retroState: 'RUNNING', retroProgress: 0.25, retroCapped: true }))
  await cloudRulesets.write(2, { state: 'validating' })
  await cloudRulesets.setDigest(1, 'd', 1)
  await cloudRulesets.setDigest(1, 'd', 2)
  tell('there', [
    (await cloudRulesets.listThere()).sort(),
    await cloudRulesets.listChanging([]),
    await cloudRulesets.listChanging([2]),
    await cloudRulesets.listWithText(),
    await cloudRulesets.findTexts(['beta']),
    await cloudRulesets.find(3),
  ])
  await outbox.add({ name: 'one', rulesetId: 1, revisionId: 1, at: 5 })
  await outbox.add({ name: 'two', rulesetId: null, revisionId: null, at: 4 })
  tell('outbox', [await outbox.find('one'), await outbox.findDue(9, 5), await outbox.nextDue(), await outbox.backlog()])
  await outbox.postpone(1, { attempts: 2, due: 50, problem: 'p' })
  await outbox.makeDue(20)
  tell('postponed', [await outbox.findDue(20, 5), await outbox.delete(1), await outbox.delete(1)])
  await outbox.deleteRemovals()
  await outbox.deleteByName('two')
  tell('nothing due', [await outbox.nextDue(), await outbox.backlog(), await outbox.find('two')])
  await cloudFeeds.open(['live', 'retro'], 10)
  await cloudFeeds.open(['live'], 99)
  await cloudFeeds.move('live', 20)
  await cloudFeeds.setCaughtUp('live', 7, 1)
  tell('feeds', [
    await cloudFeeds.advance('live', 30, 0),
    await cloudFeeds.advance('live', 31, 1),
    await cloudFeeds.find('live'),
    (await cloudFeeds.positions()).sort((a, b) => (a.feed < b.feed ? -1 : 1)),
  ])
  // More than one statement takes.
  const many = Array.from({ length: 10_000 }, (_, n) => found(2, `many_${n}`))
  tell('of very many rules', (await matches.add(2, many, 9_000)).length)
}
