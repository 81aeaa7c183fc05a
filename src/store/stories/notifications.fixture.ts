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
  tell('hunt ended', await hunts.enter(ended, 'failed', 30, 'a defect'))
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
}
