/** One change of many rulesets at once: an addition to the specification. */
import type { Static } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { BulkChange } from '../../rulesets/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { BulkBody, BulkShape } from '../contract/rulesets.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

export function addRulesetBulk(app: HttpServer, { appliance: { rulesets, room } }: RouteParts): void {
  app.post(
    '/api/rulesets/bulk/',
    {
      config: { audit: about('action', 'names'), access: { right: 'rulesets.change-any', orOwner: true } },
      bodyLimit: LIST_BODY,
      schema: {
        tags: ['rulesets'],
        operationId: 'changeRulesets',
        summary: 'Enable, disable, delete or tag many rulesets',
        body: BulkBody,
        response: {
          200: BulkShape,
          ...refusals(yaraEnvelope, {
            400: 'The action, the names or the tags are missing or malformed.',
            403: 'No token, or an unknown one.',
          }),
        },
      },
    },
    async (request) => {
      const { action, names } = request.body
      const { done, failed } = await room.lend(() =>
        rulesets.changeMany(callerOf(request), names, changeOf(request.body)),
      )
      return {
        action,
        done: done.length,
        failed: failed.map(({ name, failure: { code, message } }) => ({ name, error: code, message })),
      }
    },
  )
}

function changeOf({ action, tags = [] }: Static<typeof BulkBody>): BulkChange {
  if (action !== 'add-tags' && action !== 'remove-tags') return { kind: action }
  if (tags.length > 0) return { kind: action, tags }
  throw new Failure('parameter.out-of-range', 'Parameter not in expected range: tags are missing.')
}
