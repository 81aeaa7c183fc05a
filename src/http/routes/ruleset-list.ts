/** Rulesets with their particulars, an addition to the specification: one of them, and lists with search and order. */
import { Type } from 'typebox'
import { neighbours } from '../addresses.ts'
import { callerOf } from '../authentication.ts'
import { RulesetListQuery, RulesetListShape, RulesetShape } from '../contract/rulesets.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { pageOf, RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { rulesetJson } from './ruleset-json.ts'

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
      const { type, status, source, search, tag, order, descending } = request.query
      const page = pageOf(request.query)
      const { count, results } = await rulesets.list(callerOf(request), {
        type,
        status,
        source,
        search,
        tag,
        order: { by: order, descending },
        page,
      })
      const query = Object.entries({ type, status, source, search, tag, order, descending: String(descending) })
      return { count, ...neighbours(request, page, count, query), results: results.map(rulesetJson) }
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
    async ({ params: { name } }) => rulesetJson(await rulesets.get(name)),
  )
}
