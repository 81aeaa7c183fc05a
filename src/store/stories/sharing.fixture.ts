import type { Store } from '../store.ts'
import { digestOf, type Tell } from './telling.fixture.ts'

/** Of a manager, and of the appliances that share rulesets through it. Ids and texts of rulesets are those of `rules`. */
export async function sharing(store: Store, tell: Tell): Promise<void> {
  const { appliances, sharedLog, sharedTexts, sharedRulesets, publications } = store
  for (const name of ['berlin', 'Aarhus', 'Örebro'])
    tell(`add ${name}`, await appliances.add({ name, tokenHash: digestOf('sha256', name), created: 5 }))
  await appliances.recordSeen(1, 1_700_000_000_000_000)
  await appliances.recordReport(1, '{"a":1}')
  await appliances.setDisabled(2, true)
  await appliances.setToken(2, digestOf('sha256', 'other'))
  tell('appliances', await appliances.list())
  tell('by name', [await appliances.findByName('berlin'), await appliances.findByName('Berlin')])
  tell('by token', [
    await appliances.findByToken(digestOf('sha256', 'other')),
    await appliances.findByToken(digestOf('sha256', 'Aarhus')),
  ])
  await appliances.delete(3)
  tell('after a removal', await appliances.list())

  tell('empty', [await sharedLog.end(), await sharedLog.newest('beta'), await sharedLog.listAfter(0, 9)])
  const entry = { author: 'anna', appliance: 'berlin', enabled: true }
  for (const [at, [name, digest]] of (
    [
      ['beta', 'd1'],
      ['Alpha', 'd2'],
      ['beta', 'd3'],
      ['gone', 'd4'],
      ['gone', null],
      ['Über', 'd5'],
      ['last', null],
    ] as const
  ).entries()) {
    const own = { sequence: at + 1, version: 1 + at, change: `c${at}`, time: at * 10, chain: `chain ${at}` }
    await sharedLog.add({ ...entry, ...own, name, digest, enabled: digest !== null && at % 2 === 0 })
    if (digest !== null) await sharedTexts.add(digest, Buffer.from(`text of ${name} ${at}`))
  }
  await sharedTexts.add('d1', Buffer.from('another'))
  await sharedTexts.add('unnamed', Buffer.from('x'))
  tell('end', [await sharedLog.end(), await sharedLog.chainAt(3), await sharedLog.chainAt(99)])
  tell('newest', [await sharedLog.newest('beta'), await sharedLog.newest('gone'), await sharedLog.newest('BETA')])
  tell('by change', [await sharedLog.findByChange('berlin', 'c2'), await sharedLog.findByChange('Aarhus', 'c2')])
  tell('after', await sharedLog.listAfter(2, 3))
  tell('current', [await sharedLog.listCurrent('', 9), await sharedLog.listCurrent('Alpha', 1)])
  tell('texts', [await sharedTexts.find('d1'), await sharedTexts.find('no'), await sharedTexts.has('d3')])

  const shared = {
    version: 2,
    author: 'a',
    appliance: 'b',
    time: 7,
    problem: null,
    takenState: { digest: null, enabled: false },
  }
  await sharedRulesets.put({ name: 'beta', sequence: 3, digest: 'd3', enabled: true, taken: 0, ...shared })
  await sharedRulesets.put({ name: 'nowhere', sequence: 4, digest: 'd4', enabled: false, taken: 4, ...shared })
  const takenState = { digest: 'd1', enabled: true }
  await sharedRulesets.put({
    name: 'beta',
    sequence: 5,
    digest: null,
    enabled: false,
    taken: 3,
    ...shared,
    takenState,
    problem: 'p',
  })
  const publication = { enabled: true, author: 'anna', digest: 'd2' }
  for (const [at, name] of ['beta', 'beta', 'nowhere', 'other'].entries())
    await publications.add({ ...publication, name, change: `p${at}`, created: 10 * at })
  tell('shared', [await sharedRulesets.find('beta'), await sharedRulesets.find('no')])
  tell('beside', [await sharedRulesets.list(), await sharedRulesets.findBesideOwn('nowhere')])
  tell('none', await sharedRulesets.findBesideOwn('no'))
  await publications.countAttempt(1)
  await publications.postpone(1, { due: 100, problem: 'away' })
  tell('first', [await publications.first('beta'), await publications.first('no')])
  tell('last', [await publications.last('beta'), await publications.last('no')])
  tell('of a change', [await publications.findByChange('p2'), await publications.findByChange('p9')])
  tell('due', [await publications.findDue(50, 9), await publications.findDue(50, 1), await publications.nextDue()])
  await publications.makeDue(40)
  tell('due now', await publications.findDue(40, 9))
  await publications.deleteUnsent('beta')
  tell('unsent', await publications.first('beta'))
  tell('deleted', [await publications.delete(1), await publications.delete(1)])
  tell('pruned', [await sharedLog.prune(1_000), await sharedLog.listAfter(0, 9)])
  tell('unreferenced', [
    await sharedTexts.deleteUnreferenced(),
    await sharedTexts.has('d1'),
    await sharedTexts.has('d4'),
  ])
  tell('cleared', [await publications.clear(), await publications.nextDue()])
  await sharedRulesets.delete('nowhere')
  tell('one left', (await sharedRulesets.list()).length)
  await sharedRulesets.clear()
  tell('none left', await sharedRulesets.list())
}
