import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { PublishedShape, publishedJson } from './published.ts'

const statuses = {
  403: 'No token, or an unknown one, or one without the permission, or publishing is not enabled, here or on the manager.',
}

const Done = { code: Type.Literal(200), message: Type.String() }

/** Publishing to the publishing. Both come without a body. */
export function addPublishing(app: HttpServer, { appliance: { publishing } }: RouteParts): void {
  app.post(
    '/api/yara/publish/all/',
    {
      config: { audit: about(), access: 'account' },
      schema: {
        tags: ['rulesets'],
        operationId: 'publishAllRulesets',
        summary: 'Publish all rulesets to the other appliances',
        response: {
          200: Type.Object({ ...Done, detail: Type.Object({ rulesets: Type.Integer() }) }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async (request) => {
      const rulesets = await publishing.publishAll(callerOf(request))
      const message = `${rulesets} rulesets are published; what the manager does not have yet reaches it in the background.`
      return { code: 200 as const, message, detail: { rulesets } }
    },
  )
  app.post(
    '/api/yara/publish/ruleset/:ruleset_name/',
    {
      config: { audit: about('ruleset_name'), access: 'account', invalid: 'ruleset.name-invalid' },
      schema: {
        tags: ['rulesets'],
        operationId: 'publishRuleset',
        summary: 'Publish a ruleset to the other appliances',
        params: Type.Object({ ruleset_name: RulesetName }),
        response: {
          200: Type.Object({
            ...Done,
            detail: Type.Object({ name: Type.String(), published: PublishedShape }),
          }),
          ...refusals(yaraEnvelope, {
            ...statuses,
            400: 'The name is invalid.',
            401: 'It is a core ruleset, or belongs to another user.',
            404: 'There is no such ruleset.',
            409: 'Another appliance changed the ruleset first: both texts stay until somebody decides.',
          }),
        },
      },
    },
    async (request) => {
      const name = request.params.ruleset_name
      const published = publishedJson(await publishing.publish(callerOf(request), name))
      if (published.state === 'out-of-sync') {
        throw new Failure('publish.out-of-sync', published.problem ?? undefined, { name, published })
      }
      const message =
        published.state === 'published'
          ? 'Ruleset published successfully.'
          : `Ruleset is published in the background: ${published.problem ?? 'the manager has not answered yet'}`
      return { code: 200 as const, message, detail: { name, published } }
    },
  )
}
