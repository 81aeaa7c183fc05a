import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { publishRefusal } from './publish-refusal.ts'

const statuses = { 403: 'No token, or an unknown one, or publishing is not enabled.' }

const Published = Type.Object(
  { code: Type.Literal(200), message: Type.String() },
  { description: 'Published; only an appliance that is in a cluster answers so, and this one is in none.' },
)

/** Publishing to a cluster, on an appliance that is in none. Both come without a body. */
export function addPublishing(app: HttpServer, { appliance: { rulesets } }: RouteParts): void {
  app.post(
    '/api/yara/publish/all/',
    {
      config: { audit: about(), access: 'account' },
      schema: {
        tags: ['rulesets'],
        operationId: 'publishAllRulesets',
        summary: 'Publish all rulesets to the cluster',
        response: { 200: Published, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => {
      throw publishRefusal(callerOf(request))
    },
  )
  app.post(
    '/api/yara/publish/ruleset/:ruleset_name/',
    {
      config: { audit: about('ruleset_name'), access: 'account', invalid: 'ruleset.name-invalid' },
      schema: {
        tags: ['rulesets'],
        operationId: 'publishRuleset',
        summary: 'Publish a ruleset to the cluster',
        params: Type.Object({ ruleset_name: RulesetName }),
        response: {
          200: Published,
          ...refusals(yaraEnvelope, {
            ...statuses,
            400: 'The name is invalid.',
            401: 'Core rulesets cannot be published.',
            404: 'There is no such ruleset.',
          }),
        },
      },
    },
    async (request) => {
      const { core } = await rulesets.get(request.params.ruleset_name)
      throw core ? new Failure('ruleset.core', 'Core ruleset cannot be published') : publishRefusal(callerOf(request))
    },
  )
}
