/** Rulesets with their particulars, an addition to the specification: one of them, and lists with search and order. */
import { type Static, Type } from 'typebox'
import type { RulesetEntry } from '../../rulesets/index.ts'
import { toIso } from '../../store/index.ts'
import { neighbours } from '../addresses.ts'
import { callerOf } from '../authentication.ts'
import { RulesetListQuery, RulesetListShape, RulesetShape } from '../contract/rulesets.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { pageOf, RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const unauthenticated = 'No token, or an unknown one.'

export function addRulesetList(app: HttpServer, { appliance: { rulesets } }: RouteParts): void {
  app.get(
    '/api/rulesets/',
    {
      config: { access: 'account' },
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
      config: { access: 'account' },
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
    disabled_rules: ruleset.disabledRules,
    match_counts: ruleset.counts,
  }
}
