import { rulesetOrders } from '../rulesets.ts'
import type { Store } from '../store.ts'
import { byId, digestOf, type Tell } from './telling.fixture.ts'

export async function rules(
  { rulesets, rulesetTags, revisions, ruleSources, transaction }: Store,
  tell: Tell,
): Promise<void> {
  const source = await ruleSources.add({
    ...{ name: 'src', kind: 'git', url: 'u', branch: '', token: '', updates: 'known', deletes: false },
    ...{ created: 1, wanted: 'import', due: 4, ownerId: 1 },
  })
  await ruleSources.change(source, { wanted: 'overwrite', failures: 2, updates: 'all' })
  tell('sources', [await ruleSources.list(), await ruleSources.find(9), await ruleSources.findByName('src')])
  await ruleSources.reschedule(7, { failed: false })
  tell('due', [await ruleSources.findDue(4), await ruleSources.nextDue([]), await ruleSources.nextDue([source])])
  const file = { state: 'imported', digest: 'd', disabled: false, problem: null } as const
  await ruleSources.putFiles(source, [
    { path: 'b', ...file },
    { path: 'B', ...file },
    { path: 'a', ...file },
  ])
  await ruleSources.putFiles(source, [{ path: 'b', ...file, disabled: true, state: 'gone' }])
  await ruleSources.deleteFiles(source, ['a'])
  tell('files', await ruleSources.files(source))
  for (const [at, name] of ['beta', 'Alpha', 'gamma', '_x', 'Über'].entries()) {
    const id = await rulesets.add({ name, ownerId: 1 + (at % 2), core: at === 2, created: at })
    const origin = { sourceId: source, source: 's', url: 'u', path: at < 2 ? 'b' : 'B', version: '1' }
    for (const number of [1, 2]) {
      const revision = await revisions.add({
        ...{
          rulesetId: id,
          number,
          content: `rule ${name} ${number} \0`,
          authorId: 1,
          created: 5,
          valid: number === 1,
        },
        ...{ diagnostics: [], leftOut: [], rules: [{ name: 'r' }] as never, plan: `plan ${at}`, origin },
      })
      if (number === 1)
        await rulesets.setRevision(id, revision, { state: at === 3 ? 'error' : 'valid', reason: null, modified: at })
      tell('revision', revision)
    }
  }
  await rulesets.setEnabled(3, { enabled: false, state: 'valid', reason: 'no' })
  await rulesets.setStopped(4, 'stopped', true)
  await rulesets.setCloudState(1, { synced: true, state: 'capped' })
  await rulesets.recordMatch([1, 2], 30)
  await rulesets.recordMatch([1], 20)
  await rulesets.changeOwner(2, 3)
  tell('names', [await rulesets.findByName('Über'), await rulesets.findByName('beta'), await rulesets.findByName('no')])
  tell('entry', [await rulesets.findEntry('Alpha'), await rulesets.findCondition('gamma'), await rulesets.exists(1)])
  tell('text', [await rulesets.findText(1), await rulesets.findByCurrentRevision(1), await rulesets.listLive()])
  for (const by of rulesetOrders)
    for (const descending of [false, true]) {
      const query = { type: 'all', status: 'all', source: 'all', order: { by, descending }, page: null } as const
      const listed = await transaction('listRulesets', (tx) => tx.rulesets.list(1, query))
      tell(`by ${by} ${descending}`, [listed.count, listed.results.map(({ name }) => name)])
    }
  for (const search of ['A', 'ü', 'Ü', '%', '_', 'ANNA'])
    for (const type of ['my', 'user', 'system'] as const) {
      const page = { number: 1, size: 2 }
      tell(`${type} ${search}`, await rulesets.list(1, { type, status: 'all', source: 'all', search, page }))
    }
  await rulesets.setNotes(1, { notes: 'seen in March', expires: 60 })
  await rulesets.setNotes(2, { expires: 50 })
  await rulesets.setNotes(3, { expires: 10 })
  await rulesets.setNotes(2, {})
  await rulesetTags.add(1, ['b', 'B', 'a'])
  await rulesetTags.add(1, ['b'])
  await rulesetTags.add(2, ['b', 'é'])
  await rulesetTags.remove(1, ['B', 'none'])
  tell('tags', [[...(await rulesetTags.listOfEach([1, 2, 9]))], await rulesetTags.count()])
  tell('expiry', [await rulesets.nextExpiry(), await rulesets.findExpired(60, 5), await rulesets.findExpired(60, 1)])
  tell('none expired', await rulesets.findExpired(49, 5))
  tell('noted', [await rulesets.findEntry('beta'), await rulesets.findByName('Alpha')])
  tell('tagged', await rulesets.list(1, { type: 'all', status: 'all', source: 'all', tag: 'b', page: null }))
  tell('of source', await ruleSources.rulesetsOf(source))
  tell('ruleset names', (await ruleSources.rulesetNames()).sort())
  tell('revisions', [await revisions.list(1, 5), await revisions.find(1, 2), await revisions.find(1, 7)])
  // PostgreSQL has no character 0, and another one of three bytes in its place.
  const sized = (await revisions.listCurrent(1, 9)).map(({ bytes, ...each }) => ({ ...each, isLong: bytes > 10 }))
  tell('current', [sized, (await revisions.listCurrent(0, 2)).map(({ id }) => id)])
  tell('texts', byId(await revisions.textsOf([1, 3, 99])))
  tell('content', [(await revisions.contentOf(1))?.length, await revisions.findNewestValid('beta')])
  tell('runnable', byId(await revisions.findRunnable([1, 2, 3])))
  tell('otherwise', (await revisions.listPlannedOtherwise('plan 1')).sort())
  await revisions.setPlan(3, 'plan 1', [])
  tell('rules', [[...(await revisions.rulesOf([1, 3, 99]))], await revisions.rulesOfLastValid(1)])
  tell('then and now', byId(await revisions.rulesThenAndNow([1, 2])))
  tell('enabled', [byId(await revisions.findEnabled([1, 3, 5])), await revisions.findEnabled([])])
  await ruleSources.changeOwner(1, 2)
  await ruleSources.delete(source)
  await rulesets.clearCloudStates()
  const ofTenant = { tenantId: 4, digest: digestOf('sha1', 'text'), enabled: true, created: 8 }
  const tenants = await rulesets.addOfTenant({ name: 'theirs', ...ofTenant })
  const theirs = await revisions.add({
    ...{ rulesetId: tenants, number: 1, content: '', authorId: 4, created: 1, valid: true, diagnostics: [] },
    ...{ leftOut: [], rules: [{ name: 'a' }, { name: 'b' }] as never, plan: '' },
  })
  await rulesets.setRevision(tenants, theirs)
  tell('tenant', [await rulesets.findOfTenant(4, 'theirs'), await rulesets.listOfTenant(4)])
  tell('tenants', [await rulesets.listTenants([theirs]), await rulesets.countOfTenant(4, 'theirs')])
  tell('removed tenants', [await rulesets.deleteOfRemovedTenants(), await rulesets.countOfTenant(5, 'x')])
}
