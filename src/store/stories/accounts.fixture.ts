import type { Store } from '../store.ts'
import { digestOf, type Tell } from './telling.fixture.ts'

export async function accounts({ users, tokens, sessions, settings }: Store, tell: Tell): Promise<void> {
  for (const name of ['anna', 'Émile', 'Zoë', 'bert', 'Bert'])
    tell(`add ${name}`, await users.add({ name, passwordHash: 'x', role: 'user', contributes: false, created: 5 }))
  await users.setRole(1, 'administrator')
  await users.addIdentity(2, { issuer: 'i', subject: 's' })
  await users.setPasswordHash(2, 'other')
  await users.recordLogIn(2, 77)
  await users.setDisabled(3, 9)
  tell('by name', [await users.findByName('Émile'), await users.findByName('émile'), await users.findByName('Zoë')])
  tell('by identity', await users.findByIdentity({ issuer: 'i', subject: 's' }))
  for (const [at, label] of ['a', 'b', 'b', 'b'].entries())
    tell('token', await tokens.add({ userId: 1, hash: digestOf('sha1', `t${at}`), label, created: at, scope: ['x'] }))
  await tokens.recordUse(2, 1_700_000_000_000_000)
  tell('tokens', await tokens.list(1, 10))
  tell('token by hash', await tokens.findByHash(digestOf('sha1', 't1')))
  tell('kept', [await tokens.keepLatest(1, 'b', 2), await tokens.keepLatest(1, 'b', 2), await tokens.list(1, 10)])
  tell('room', [
    await tokens.makeRoomFor(1, 'b', digestOf('sha1', 't0')),
    await tokens.makeRoomFor(2, 'b', digestOf('sha1', 't0')),
    await tokens.delete(1, 99),
    await tokens.list(1, 10),
  ])
  await tokens.deleteLabelled(1, 'a')
  await sessions.add({ userId: 2, hash: digestOf('sha1', 's'), created: 3, providerSession: 'p' })
  await sessions.add({ userId: 1, hash: digestOf('sha1', 'r'), created: 3, providerSession: null })
  await sessions.recordUse(1, 50)
  tell('session', await sessions.findByHash(digestOf('sha1', 's'), { usedBefore: 5, createdBefore: 0 }))
  tell('users', await users.list(10))
  tell('of provider', await sessions.deleteOfProvider('i', { subject: 'other' }))
  tell('of provider', await sessions.deleteOfProvider('i', { session: 'p' }))
  await sessions.delete(digestOf('sha1', 'none'))
  await sessions.deleteEnded({ usedBefore: 1, createdBefore: 1 })
  await sessions.deleteAll(2)
  await tokens.deleteAll(2)
  await users.markRemoved(5, 6)
  tell('administrator', [await users.findFirstAdministrator(), await users.hasAdministratorWithPassword()])
  tell('increment', [await settings.increment('n'), await settings.increment('n'), await settings.find('n')])
  await settings.set('n', '41')
  tell('setting', [await settings.increment('n'), await settings.find('none')])
}
