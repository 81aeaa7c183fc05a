import type { StoredCloudFeeds } from '../cloud-feeds.ts'
import type { Database } from './database.ts'

export function sqlCloudFeeds(database: Database): StoredCloudFeeds {
  return {
    async positions() {
      return database.selectFrom('cloud_feeds').select(['feed', 'position', 'caught_up as caughtUp']).execute()
    },

    async find(feed) {
      return database
        .selectFrom('cloud_feeds')
        .select(['position', 'earliest', 'moved'])
        .where('feed', '=', feed)
        .executeTakeFirstOrThrow()
    },

    async open(feeds, position) {
      await database
        .insertInto('cloud_feeds')
        .values(feeds.map((feed) => ({ feed, position, earliest: 0, caught_up: null })))
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async move(feed, second) {
      await database
        .insertInto('cloud_feeds')
        .values({ feed, position: second, earliest: second, caught_up: null })
        .onConflict((conflict) =>
          conflict.column('feed').doUpdateSet((eb) => ({
            position: second,
            earliest: second,
            moved: eb('cloud_feeds.moved', '+', 1),
            caught_up: null,
          })),
        )
        .execute()
    },

    async advance(feed, position, moved) {
      const { numUpdatedRows } = await database
        .updateTable('cloud_feeds')
        .set({ position })
        .where('feed', '=', feed)
        .where('moved', '=', moved)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },

    async setCaughtUp(feed, at, moved) {
      await database
        .updateTable('cloud_feeds')
        .set({ caught_up: at })
        .where('feed', '=', feed)
        .where('moved', '=', moved)
        .execute()
    },
  }
}
