/** The feeds of TCA-0303 and TCA-0319: what a tenant's rulesets match. */
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import {
  Feed,
  type FeedEntry,
  type FeedKind,
  feedNames,
  firstSecondOf,
  tcaRoutes,
  toMailTime,
  toPlainTime,
} from '../../tca/index.ts'
import type { Entry } from '../../tenants/index.ts'
import { Flag, isSet } from '../parameters.ts'
import type { HttpServer, TcaParts } from '../route.ts'
import { tenantOf } from './basic-authentication.ts'
import { plainRefusals } from './envelope.ts'

export function addFeeds(app: HttpServer, { appliance: { tenants } }: TcaParts): void {
  const add = (kind: FeedKind, path: string, summary: string) =>
    app.get(
      path,
      {
        schema: {
          tags: ['cloud'],
          operationId: `read${kind === 'live' ? 'Live' : 'Retro'}Feed`,
          summary,
          params: Type.Object({
            form: Type.String({ description: 'timestamp or utc' }),
            start: Type.String({ description: 'Unix seconds, or YYYY-MM-DDThh:mm:ss; that second is included' }),
          }),
          querystring: Type.Object({
            format: Type.Optional(Type.String({ description: 'json, which is also the default; there is no XML' })),
            extended: Type.Optional(Flag),
          }),
          response: {
            200: Feed,
            ...plainRefusals({
              400: 'The start is malformed or too long ago, or another format than JSON is asked for.',
            }),
          },
        },
      },
      async (request) => {
        const { format = '', extended } = request.query
        if (format !== '' && format.toLowerCase() !== 'json') throw new Failure('feed.format')
        const start = firstSecondOf(request.params.form, request.params.start)
        if (start === null) throw new Failure('feed.malformed')
        const { entries, last } = await tenants.feeds.page(tenantOf(request).id, kind, start)
        return {
          rl: {
            feed: {
              name: feedNames[kind],
              last_timestamp: last,
              time_range: { from: toMailTime(start), to: toMailTime(last) },
              entries: entries.map((entry) => entryOf(entry, isSet(extended))),
            },
          },
        }
      },
    )
  add('live', tcaRoutes.liveFeed, 'Give what rulesets match among new samples, from a time on')
  add('retro', tcaRoutes.retroFeed, 'Give what retro hunts found, from a time on')
}

function entryOf(entry: Entry, isExtended: boolean): FeedEntry {
  return {
    sha1: entry.sha1,
    file_type: entry.fileType,
    file_size: entry.fileSize,
    timestamp: entry.second,
    ruleset_name: entry.ruleset,
    ruleset_sha1: entry.digest,
    // Every sample of the collection is there for all tenants.
    sample_available: true,
    rule: [...entry.rules],
    ...(isExtended && {
      sha256: entry.sha256,
      first_seen: toPlainTime(Math.floor(entry.firstSeen / 1_000_000)),
    }),
  }
}
