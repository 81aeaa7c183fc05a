import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { refusals, retroEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer } from '../server.ts'
import type { RouteParts } from './index.ts'
import { retroStatuses } from './local-retro.ts'

const RulesetPath = Type.Object({ ruleset_name: RulesetName })

/**
 * `/api/yara/ruleset/{ruleset_name}/cloud-retro-hunt/` of an appliance without a cloud: what is wrong with the request
 * comes first (400, 404), then 428.
 */
export function addCloudRetro(app: HttpServer, { appliance: { rulesets } }: RouteParts): void {
  const refuse = async (name: string): Promise<never> => {
    const ruleset = await rulesets.get(name)
    throw new Failure('cloud.not-connected', undefined, { ruleset_name: ruleset.name })
  }
  app.post(
    '/api/yara/ruleset/:ruleset_name/cloud-retro-hunt/',
    {
      config: { envelope: retroEnvelope, invalid: 'retro.operation-invalid' },
      schema: {
        tags: ['retro'],
        summary: 'Start, stop or clear the Cloud Retro of a ruleset',
        consumes: ['multipart/form-data', 'application/x-www-form-urlencoded', 'application/json'],
        params: RulesetPath,
        body: Type.Object({ operation: Type.Enum(['START', 'STOP', 'CLEAR']) }),
        response: refusals(retroEnvelope, retroStatuses),
      },
    },
    ({ params }) => refuse(params.ruleset_name),
  )
  app.get(
    '/api/yara/ruleset/:ruleset_name/cloud-retro-hunt/',
    {
      config: { envelope: retroEnvelope, invalid: 'ruleset.name-invalid' },
      schema: {
        tags: ['retro'],
        summary: 'Tell the state of the Cloud Retro of a ruleset',
        params: RulesetPath,
        response: refusals(retroEnvelope, retroStatuses),
      },
    },
    ({ params }) => refuse(params.ruleset_name),
  )
}
