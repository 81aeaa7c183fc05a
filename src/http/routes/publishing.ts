import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer } from '../server.ts'
import type { RouteParts } from './index.ts'

const statuses = { 403: 'No token, or an unknown one, or publishing is not enabled.' }

/** Publishing to a cluster, on an appliance that is in none. Both come without a body. */
export function addPublishing(app: HttpServer, { appliance: { rulesets } }: RouteParts): void {
  app.post(
    '/api/yara/publish/all/',
    {
      schema: {
        tags: ['rulesets'],
        summary: 'Publish all rulesets to the cluster',
        response: refusals(yaraEnvelope, statuses),
      },
    },
    async () => {
      throw new Failure('publish.refused')
    },
  )
  app.post(
    '/api/yara/publish/ruleset/:ruleset_name/',
    {
      config: { invalid: 'ruleset.name-invalid' },
      schema: {
        tags: ['rulesets'],
        summary: 'Publish a ruleset to the cluster',
        params: Type.Object({ ruleset_name: RulesetName }),
        response: refusals(yaraEnvelope, {
          ...statuses,
          400: 'The name is invalid.',
          401: 'Core rulesets cannot be published.',
          404: 'There is no such ruleset.',
        }),
      },
    },
    async ({ params }) => {
      const { core } = await rulesets.get(params.ruleset_name)
      throw core ? new Failure('ruleset.core', 'Core ruleset cannot be published') : new Failure('publish.refused')
    },
  )
}
