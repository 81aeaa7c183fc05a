import type { NotificationEvent } from '../notifications.ts'
import type { Store } from '../store.ts'
import { digestOf, type Tell } from './telling.fixture.ts'

/** When a ruleset was suspended is the database's own time. */
const timeless = (events: readonly NotificationEvent[]) =>
  events.map(({ created, ...event }) => (event.kind === 'suspension' ? event : { created, ...event }))

export async function notifying(store: Store, tell: Tell): Promise<void> {
  const { notifications, users, rulesets, samples, hunts } = store
  const user = { passwordHash: 'x', role: 'user', contributes: false, created: 5 } as const
  const watcher = await users.add({ name: 'watcher', ...user })
  const other = await users.add({ name: 'other watcher', ...user })
  const watched = await rulesets.add({ name: 'watched', ownerId: watcher, core: false, created: 1 })
  await rulesets.setEnabled(watched, { enabled: true, state: 'valid', reason: null })
  const [sample] = await samples.addInCloud([
    { sha1: digestOf('sha1', 'watched'), size: 5, fileType: 'PE/Exe', seen: 9 },
  ])
  const spec = {
    name: 'c',
    kind: 'webhook',
    address: 'https://a/',
    scope: 'mine',
    rulesets: [],
    digest: 60,
    dailyLimit: 2,
    mutedUntil: null,
  } as const
  const events = ['match', 'local-retro', 'hunt', 'suspension'] as const
  const mine = await notifications.add({ ...spec, events, userId: watcher, secret: 's', at: 7 })
  const chosen = { ...spec, events: ['match'], scope: 'chosen', rulesets: [watched, watched] } as const
  const second = await notifications.add({ ...chosen, userId: other, secret: 's', at: 7 })
  const third = await notifications.add({ ...spec, events, scope: 'all', userId: other, secret: 's', at: 7 })
  tell('channels', [await notifications.find(mine), await notifications.find(99), await notifications.listOf(other)])
  tell('chosen', [await notifications.rulesetsOf(second), await notifications.rulesetsOf(mine)])
  await notifications.change(third, { ...spec, events: ['hunt'], secret: 't', at: 9, mutedUntil: 2 ** 50 })
  tell('changed', await notifications.find(third))

  const found = [{ rulesetId: watched, rules: ['a', 'b'] }]
  await notifications.recordMatches(sample?.id ?? 0, found, 20)
  await notifications.recordMatches(sample?.id ?? 0, [{ rulesetId: watched, rules: ['c'] }], 21)
  await rulesets.setStopped(watched, 'it never ends', true)
  const adHoc = { title: 't', texts: Buffer.from('[]'), selection: '{}', useIndex: false }
  const shared = { startedBy: watcher, created: 1, lastSampleId: 9 }
  const ended = await hunts.add({ kind: 'ad-hoc', state: 'queued', adHoc, ...shared })
  tell('hunt ended', await hunts.enter({ id: ended, fence: 0 }, 'failed', 30, 'a defect'))
  const run = await hunts.add({ kind: 'local-retro', state: 'starting', ...shared, rulesets: [] })
  tell('run ended', await hunts.stopKind('local-retro', watcher, 31))
  tell('run', run > ended)
  const pending = await notifications.findPending()
  tell(
    'pending',
    pending
      .map(({ channel, oldest, waiting }) => [channel.id, oldest, waiting])
      .sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
  )
  const all = await notifications.eventsAfter(mine, 0, 10)
  tell('events', timeless(all))
  tell('some', timeless(await notifications.eventsAfter(mine, all[0]?.id ?? 0, 1)))
  tell('counted', [await notifications.countEvents(mine, 0, 10), await notifications.countEvents(mine, 0, 1)])
  tell('none', await notifications.countEvents(third, 0, 10))
  await notifications.advance(mine, { cursor: all[1]?.id ?? 0, day: 5, sent: 2 })
  tell('handled', [
    await notifications.deleteHandled(mine, 1),
    await notifications.deleteHandled(mine, 5),
    await notifications.deleteHandled(mine, 5),
  ])

  const message = { channelId: mine, title: 't', body: '{}' }
  const one = await notifications.addDelivery({ ...message, messageId: 'm1', at: 40 })
  const two = await notifications.addDelivery({ ...message, messageId: 'm2', at: 41 })
  const three = await notifications.addDelivery({ ...message, channelId: second, messageId: 'm3', at: 42 })
  tell('deliveries', [await notifications.findDelivery(one), await notifications.findDelivery(99)])
  tell('due', [await notifications.findDue(41, 5), await notifications.findDue(41, 1)])
  await notifications.settle(one, { state: 'delivered', at: 50, attempts: 1, status: 200, problem: null })
  await notifications.settle(two, { state: 'failed', at: 51, attempts: 2, status: null, problem: 'gone' })
  await notifications.postpone(three, { due: 99, attempts: 1, status: 500, problem: 'answers 500' })
  tell('listed', [
    await notifications.listDeliveries(mine, null, 5),
    await notifications.listDeliveries(mine, two, 5),
    await notifications.listDeliveries(second, null, 5),
  ])
  tell('backlog', await notifications.backlog())
  tell('again', [
    await notifications.retry(two, 60),
    await notifications.retry(one, 60),
    await notifications.retry(99, 60),
  ])
  await notifications.refuse(second, 'it wants none', 70)
  tell('refused', [await notifications.find(second), await notifications.listDeliveries(second, null, 5)])
  await notifications.recordMatches(sample?.id ?? 0, found, 71)
  await users.setDisabled(watcher, 80)
  await notifications.recordMatches(sample?.id ?? 0, found, 81)
  tell('of a disabled user', [await notifications.findPending(), await notifications.findDue(100, 5)])
  await notifications.deleteEnded(51)
  await notifications.delete(third)
  tell('left', [await notifications.listDeliveries(mine, null, 5), await notifications.listOf(other)])
  await notifications.deleteOf(watcher)
  tell('gone', [await notifications.listOf(watcher), await notifications.backlog()])
  await belling(store, tell, watcher, watched)
}

async function belling(
  { bells, matches, hunts, samples, rulesets }: Store,
  tell: Tell,
  user: number,
  own: number,
): Promise<void> {
  const others = await rulesets.add({ name: 'of others', ownerId: 1, core: false, created: 1 })
  const [one, two] = await samples.addInCloud([
    { sha1: digestOf('sha1', 'first new'), size: 5, fileType: 'PE/Exe', seen: 9 },
    { sha1: digestOf('sha1', 'second new'), size: 5, fileType: 'PE/Exe', seen: 9 },
  ])
  const match = (rulesetId: number, rule: string) => ({ rulesetId, revisionId: 1, rule, name: null })
  await matches.add(one?.id ?? 0, [match(own, 'before')], 90)
  tell('no place', [await bells.placeOf(user), await bells.unreadRulesets(user, 5, 5)])
  await bells.begin(user, 100)
  await bells.begin(user, 101)
  const behind = async () => (await bells.lastMatchId()) - ((await bells.placeOf(user))?.match ?? 0)
  tell('begun', [(await bells.placeOf(user))?.moment, await behind(), await bells.unreadRulesets(user, 5, 5)])
  await matches.add(two?.id ?? 0, [match(own, 'a'), match(own, 'b'), match(others, 'c')], 110)
  tell('unread', [await bells.unreadRulesets(user, 5, 5), await bells.unreadRulesets(user, 5, 1), await behind()])
  tell('followed', [
    await bells.isFollowed(user, own),
    await bells.isFollowed(user, others),
    await bells.isFollowed(user, 999),
  ])
  await bells.follow(user, others, true, 0)
  await rulesets.recordMatch([others], 120)
  tell('two', [await bells.unreadRulesets(user, 5, 5), await bells.unreadRulesets(user, 1, 5)])
  await bells.follow(user, own, false, 0)
  tell('one', [await bells.unreadRulesets(user, 5, 5), await bells.isFollowed(user, own)])
  await bells.readRuleset(user, others, await bells.lastMatchId())
  tell('none', [await bells.unreadRulesets(user, 5, 5), await bells.isFollowed(user, others)])
  const shared = { created: 1, lastSampleId: 9 }
  const adHoc = { title: 'mine', texts: Buffer.from('[]'), selection: '{}', useIndex: false }
  const ended: number[] = []
  for (const startedBy of [user, 1]) {
    const id = await hunts.add({ kind: 'ad-hoc', state: 'queued', startedBy, adHoc, ...shared })
    await hunts.enter({ id, fence: 0 }, 'failed', 150, 'no')
    ended.push(id)
  }
  const unread = async () => (await bells.unreadHunts(user, 5)).map(({ id, ...hunt }) => hunt)
  tell('hunts', await unread())
  await bells.readHunt(user, ended[0] ?? 0)
  await bells.readHunt(user, ended[0] ?? 0)
  tell('read', await unread())
  await bells.readUpTo(user, { match: 0, moment: 1 })
  tell('not back', (await bells.placeOf(user))?.moment)
  await bells.readUpTo(user, { match: await bells.lastMatchId(), moment: 200 })
  tell('all read', [
    (await bells.placeOf(user))?.moment,
    await behind(),
    await unread(),
    await bells.isFollowed(user, own),
  ])
  for (const id of ended) await hunts.delete(id)
}
