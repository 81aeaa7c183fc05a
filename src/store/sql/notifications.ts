import type { Micros } from '../clock.ts'
import {
  type ChannelSpec,
  type EventCount,
  type EventKind,
  eventKinds,
  type NotificationChannel,
  type NotificationEvent,
  type StoredNotifications,
} from '../notifications.ts'
import type { Flag } from '../schema.ts'
import type { Database } from './database.ts'

const flag = (value: boolean): Flag => (value ? 1 : 0)
const columns = {
  match: 'on_match',
  'local-retro': 'on_local_retro',
  hunt: 'on_hunt',
  suspension: 'on_suspension',
} as const satisfies Record<EventKind, string>

export function sqlNotifications(database: Database): StoredNotifications {
  const channels = () => database.selectFrom('notification_channels').selectAll('notification_channels')
  const deliveries = () =>
    database
      .selectFrom('notification_deliveries')
      .select(['id', 'channel_id as channelId', 'message_id as messageId', 'title', 'body', 'created', 'state'])
      .select(['attempts', 'due', 'ended', 'status', 'problem'])
  const choose = async (channelId: number, rulesets: readonly number[]) => {
    await database.deleteFrom('notification_rulesets').where('channel_id', '=', channelId).execute()
    for (const rulesetId of rulesets) {
      await database
        .insertInto('notification_rulesets')
        .values({ channel_id: channelId, ruleset_id: rulesetId })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
  }
  /** Those of users who may log in that want matches of a ruleset. */
  const channelsFor = (rulesetId: number) =>
    database
      .selectFrom('notification_channels as channel')
      .innerJoin('users', 'users.id', 'channel.user_id')
      .select('channel.id')
      .where('channel.on_match', '=', 1)
      .where('channel.refused', 'is', null)
      .where('users.removed', 'is', null)
      .where('users.disabled', 'is', null)
      .where((eb) =>
        eb.or([
          eb('channel.scope', '=', 'all'),
          eb.and([
            eb('channel.scope', '=', 'mine'),
            eb('channel.user_id', '=', eb.selectFrom('rulesets').select('owner_id').where('id', '=', rulesetId)),
          ]),
          eb.exists(
            eb
              .selectFrom('notification_rulesets as chosen')
              .select('chosen.ruleset_id')
              .whereRef('chosen.channel_id', '=', 'channel.id')
              .where('chosen.ruleset_id', '=', rulesetId),
          ),
        ]),
      )
      .execute()
  return {
    async find(id) {
      const row = await channels().where('id', '=', id).executeTakeFirst()
      return row ? toChannel(row) : null
    },

    async listOf(userId) {
      return (await channels().where('user_id', '=', userId).orderBy('id').execute()).map(toChannel)
    },

    async rulesetsOf(channelId) {
      const rows = await database
        .selectFrom('notification_rulesets')
        .innerJoin('rulesets', 'rulesets.id', 'notification_rulesets.ruleset_id')
        .select('rulesets.name')
        .where('channel_id', '=', channelId)
        .orderBy('rulesets.name')
        .execute()
      return rows.map(({ name }) => name)
    },

    async add({ userId, secret, at, ...spec }) {
      const { id } = await database
        .insertInto('notification_channels')
        .values({ ...toColumns(spec), user_id: userId, secret, created: at, modified: at, refused: null })
        .returning('id')
        .executeTakeFirstOrThrow()
      await choose(id, spec.rulesets)
      return id
    },

    async change(id, { secret, at, ...spec }) {
      await database
        .updateTable('notification_channels')
        .set({ ...toColumns(spec), secret, modified: at, refused: null })
        .where('id', '=', id)
        .execute()
      await choose(id, spec.rulesets)
    },

    async delete(id) {
      await database.deleteFrom('notification_channels').where('id', '=', id).execute()
    },

    async deleteOf(userId) {
      await database.deleteFrom('notification_channels').where('user_id', '=', userId).execute()
    },

    async refuse(id, reason, at) {
      await database.updateTable('notification_channels').set({ refused: reason }).where('id', '=', id).execute()
      await database
        .updateTable('notification_deliveries')
        .set({ state: 'failed', ended: at, problem: reason })
        .where('channel_id', '=', id)
        .where('state', '=', 'waiting')
        .execute()
    },

    async recordMatches(sampleId, matches, at) {
      for (const { rulesetId, rules } of matches) {
        const wanting = await channelsFor(rulesetId)
        if (wanting.length === 0) continue
        const event = { kind: 'match', created: at, ruleset_id: rulesetId, sample_id: sampleId, hunt_id: null } as const
        const detail = JSON.stringify(rules)
        await database
          .insertInto('notification_events')
          .values(wanting.map(({ id }) => ({ ...event, detail, channel_id: id })))
          .execute()
      }
    },

    async findPending() {
      const rows = await channels()
        .innerJoin('users', 'users.id', 'notification_channels.user_id')
        .select((eb) => [
          eb
            .selectFrom('notification_events')
            .select('created')
            .whereRef('channel_id', '=', 'notification_channels.id')
            .whereRef('notification_events.id', '>', 'notification_channels.cursor')
            .orderBy('notification_events.id')
            .limit(1)
            .as('oldest'),
          eb
            .selectFrom('notification_deliveries')
            .select(({ fn }) => fn.countAll<number>().as('waiting'))
            .whereRef('channel_id', '=', 'notification_channels.id')
            .where('state', '=', 'waiting')
            .as('waiting'),
        ])
        .where('users.removed', 'is', null)
        .where('users.disabled', 'is', null)
        .where('refused', 'is', null)
        .execute()
      return rows.flatMap(({ oldest, waiting, ...channel }) =>
        oldest === null ? [] : [{ channel: toChannel(channel), oldest, waiting: waiting ?? 0 }],
      )
    },

    async eventsAfter(channelId, cursor, most) {
      const rows = await database
        .selectFrom('notification_events as event')
        .leftJoin('rulesets', 'rulesets.id', 'event.ruleset_id')
        .leftJoin('samples', 'samples.id', 'event.sample_id')
        .leftJoin('hunts', 'hunts.id', 'event.hunt_id')
        .select(['event.id', 'event.kind', 'event.created', 'event.detail', 'rulesets.name as ruleset'])
        .select(['samples.sha256', 'samples.sha1', 'samples.name as sampleName', 'samples.file_type as fileType'])
        .select(['samples.size', 'hunts.id as huntId', 'hunts.title', 'hunts.state', 'hunts.failure'])
        .select(['hunts.samples as covered', 'hunts.processed', 'hunts.matches'])
        .where('event.channel_id', '=', channelId)
        .where('event.id', '>', cursor)
        .orderBy('event.id')
        .limit(most)
        .execute()
      return rows.map(toEvent)
    },

    async countEvents(channelId, cursor, most) {
      const rows = await database
        .selectFrom((eb) =>
          eb
            .selectFrom('notification_events')
            .select(['id', 'kind', 'ruleset_id'])
            .where('channel_id', '=', channelId)
            .where('id', '>', cursor)
            .orderBy('id')
            .limit(most)
            .as('event'),
        )
        .leftJoin('rulesets', 'rulesets.id', 'event.ruleset_id')
        .select(({ fn }) => [
          'event.kind',
          'rulesets.name as ruleset',
          fn.countAll<number>().as('count'),
          fn.max<number>('event.id').as('last'),
        ])
        .groupBy(['event.kind', 'event.ruleset_id', 'rulesets.name'])
        .execute()
      const counts = rows.map(({ kind, ruleset, count }) => ({ kind, ruleset, count }))
      const nameOf = ({ kind, ruleset }: EventCount) => `${kind} ${ruleset ?? ''}`
      return {
        counts: counts.sort((a, b) => b.count - a.count || (nameOf(a) < nameOf(b) ? -1 : 1)),
        last: rows.reduce((last, row) => Math.max(last, row.last), cursor),
      }
    },

    async advance(channelId, to) {
      await database.updateTable('notification_channels').set(to).where('id', '=', channelId).execute()
    },

    async deleteHandled(channelId, most) {
      const { numDeletedRows } = await database
        .deleteFrom('notification_events')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('notification_events')
            .innerJoin('notification_channels', 'notification_channels.id', 'notification_events.channel_id')
            .select('notification_events.id')
            .where('channel_id', '=', channelId)
            .whereRef('notification_events.id', '<=', 'notification_channels.cursor')
            .limit(most),
        )
        .executeTakeFirst()
      return Number(numDeletedRows)
    },

    async addDelivery({ channelId, messageId, title, body, at }) {
      const row = { channel_id: channelId, message_id: messageId, title, body, created: at, due: at }
      const { id } = await database
        .insertInto('notification_deliveries')
        .values({ ...row, state: 'waiting', ended: null, status: null, problem: null })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async findDelivery(id) {
      return (await deliveries().where('id', '=', id).executeTakeFirst()) ?? null
    },

    async findDue(at, most) {
      return deliveries()
        .where('state', '=', 'waiting')
        .where('due', '<=', at)
        .where('channel_id', 'in', (eb) =>
          eb
            .selectFrom('notification_channels')
            .innerJoin('users', 'users.id', 'notification_channels.user_id')
            .select('notification_channels.id')
            .where('users.removed', 'is', null)
            .where('users.disabled', 'is', null),
        )
        .orderBy('due')
        .limit(most)
        .execute()
    },

    async settle(id, { at, ...rest }) {
      await database
        .updateTable('notification_deliveries')
        .set({ ...rest, ended: at })
        .where('id', '=', id)
        .execute()
    },

    async postpone(id, to) {
      await database.updateTable('notification_deliveries').set(to).where('id', '=', id).execute()
    },

    async retry(id, at) {
      const { numUpdatedRows } = await database
        .updateTable('notification_deliveries')
        .set({ state: 'waiting', attempts: 0, due: at, ended: null })
        .where('id', '=', id)
        .where('state', '=', 'failed')
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },

    async listDeliveries(channelId, before, most) {
      return deliveries()
        .where('channel_id', '=', channelId)
        .$if(before !== null, (query) => query.where('id', '<', before))
        .orderBy('id', 'desc')
        .limit(most)
        .execute()
    },

    async backlog() {
      return database
        .selectFrom('notification_deliveries')
        .select(({ fn }) => [fn.countAll<number>().as('waiting'), fn.min<Micros | null>('created').as('oldest')])
        .where('state', '=', 'waiting')
        .executeTakeFirstOrThrow()
    },

    async deleteEnded(before) {
      await database.deleteFrom('notification_deliveries').where('ended', '<', before).execute()
    },
  }
}

function toColumns({ events, scope, digest, dailyLimit, mutedUntil, name, kind, address }: ChannelSpec) {
  return {
    name,
    kind,
    address,
    scope,
    digest,
    daily_limit: dailyLimit,
    muted_until: mutedUntil,
    on_match: flag(events.includes('match')),
    on_local_retro: flag(events.includes('local-retro')),
    on_hunt: flag(events.includes('hunt')),
    on_suspension: flag(events.includes('suspension')),
  }
}

type ChannelRow = Omit<NotificationChannel, 'events' | 'userId' | 'dailyLimit' | 'mutedUntil'> &
  Record<(typeof columns)[EventKind], Flag> & {
    readonly user_id: number
    readonly daily_limit: number
    readonly muted_until: Micros | null
  }

function toChannel(row: ChannelRow): NotificationChannel {
  const { user_id, daily_limit, muted_until, on_match, on_local_retro, on_hunt, on_suspension, ...rest } = row
  const events = eventKinds.filter((kind) => row[columns[kind]] === 1)
  return { ...rest, userId: user_id, dailyLimit: daily_limit, mutedUntil: muted_until, events }
}

interface EventRow {
  readonly id: number
  readonly kind: EventKind
  readonly created: Micros
  readonly detail: string | null
  readonly ruleset: string | null
  readonly sha256: Uint8Array | null
  readonly sha1: Uint8Array | null
  readonly sampleName: string | null
  readonly fileType: string | null
  readonly size: number | null
  readonly huntId: number | null
  readonly title: string | null
  readonly state: NonNullable<NotificationEvent['hunt']>['state'] | null
  readonly failure: string | null
  readonly covered: number | null
  readonly processed: number | null
  readonly matches: number | null
}

function toEvent({ id, kind, created, detail, ruleset, ...row }: EventRow): NotificationEvent {
  const sample = row.sha1 && {
    sha256: row.sha256?.toHex() ?? null,
    sha1: row.sha1.toHex(),
    name: row.sampleName ?? '',
    fileType: row.fileType ?? '',
    size: row.size ?? 0,
  }
  const hunt =
    row.huntId === null || row.state === null
      ? null
      : {
          id: row.huntId,
          title: row.title,
          state: row.state,
          samples: row.covered ?? 0,
          processed: row.processed ?? 0,
          matches: row.matches ?? 0,
          failure: row.failure,
        }
  return { id, kind, created, detail, ruleset, sample, hunt }
}
