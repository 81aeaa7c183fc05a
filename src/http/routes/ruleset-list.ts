/** Rulesets with their particulars, an addition to the specification: one of them, and lists with search and order. */
import { type Static, Type } from 'typebox'
import { type RulesetEntry, rulesetOrders } from '../../rulesets/index.ts'
import { toIso } from '../../store/index.ts'
import { neighbours } from '../addresses.ts'
import { callerOf } from '../authentication.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { Paging, pageOf, RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const Time = Type.String({ format: 'date-time' })

export const RulesetShape = Type.Object({
  name: Type.String(),
  owner: Type.String(),
  status: Type.Enum(['active', 'disabled', 'invalid', 'error', 'pending', 'capped']),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'why it is invalid or in error' }),
  enabled: Type.Boolean(),
  system_ruleset: Type.Boolean(),
  cloud_synced: Type.Boolean(),
  revision: Type.Integer(),
  created: Time,
  modified: Time,
  last_matched: Type.Union([Time, Type.Null()]),
  match_counts: Type.Object({
    unknown: Type.Integer(),
    goodware: Type.Integer(),
    suspicious: Type.Integer(),
    malicious: Type.Integer(),
  }),
})

export const RulesetListQuery = Type.Object({
  type: Type.Enum(['my', 'user', 'system', 'all'], { default: 'all' }),
  status: Type.Enum(['all', 'error', 'active', 'disabled', 'pending', 'invalid', 'capped'], { default: 'all' }),
  source: Type.Enum(['all', 'local', 'cloud'], { default: 'all' }),
  search: Type.String({ maxLength: 200, default: '', description: 'a part of the name or of the owner’s name' }),
  order: Type.Enum([...rulesetOrders], { default: 'name' }),
  descending: Type.Boolean({ default: false }),
  ...Paging,
})

export const RulesetListShape = Type.Object({
  count: Type.Integer(),
  next: Type.Union([Type.String(), Type.Null()]),
  previous: Type.Union([Type.String(), Type.Null()]),
  results: Type.Array(RulesetShape),
})

const unauthenticated = 'No token, or an unknown one.'

export function addRulesetList(app: HttpServer, { appliance: { rulesets } }: RouteParts): void {
  app.get(
    '/api/rulesets/',
    {
      schema: {
        tags: ['rulesets'],
        operationId: 'listRulesetsInDetail',
        summary: 'List rulesets with their particulars',
        querystring: RulesetListQuery,
        response: {
          200: RulesetListShape,
          ...refusals(yaraEnvelope, {
            400: 'A parameter is not in its range, or there is no such page.',
            403: unauthenticated,
          }),
        },
      },
    },
    async (request) => {
      const { type, status, source, search, order, descending } = request.query
      const page = pageOf(request.query)
      const { count, results } = await rulesets.list(callerOf(request), {
        type,
        status,
        source,
        search,
        order: { by: order, descending },
        page,
      })
      const query = Object.entries({ type, status, source, search, order, descending: String(descending) })
      return { count, ...neighbours(request, page, count, query), results: results.map(toJson) }
    },
  )

  app.get(
    '/api/rulesets/:name/',
    {
      schema: {
        tags: ['rulesets'],
        operationId: 'getRuleset',
        summary: 'Get the particulars of a ruleset',
        params: Type.Object({ name: RulesetName }),
        response: {
          200: RulesetShape,
          ...refusals(yaraEnvelope, {
            400: 'The name is malformed.',
            403: unauthenticated,
            404: 'There is no such ruleset.',
          }),
        },
      },
    },
    async ({ params: { name } }) => toJson(await rulesets.get(name)),
  )
}

function toJson(ruleset: RulesetEntry): Static<typeof RulesetShape> {
  return {
    name: ruleset.name,
    owner: ruleset.owner,
    status: ruleset.status,
    reason: ruleset.reason,
    enabled: ruleset.enabled,
    system_ruleset: ruleset.core,
    cloud_synced: ruleset.cloudSynced,
    revision: ruleset.revision,
    created: toIso(ruleset.created),
    modified: toIso(ruleset.modified),
    last_matched: ruleset.lastMatched === null ? null : toIso(ruleset.lastMatched),
    match_counts: ruleset.counts,
  }
}
