/** One change of many rulesets at once: an addition to the specification. */
import type { Static } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { Published } from '../../publishing/index.ts'
import type { BulkChange } from '../../rulesets/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { BulkBody, BulkShape } from '../contract/rulesets.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

export function addRulesetBulk(app: HttpServer, { appliance: { rulesets, publishing, room } }: RouteParts): void {
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
            403: 'No token, or an unknown one. Or a deletion was to be published without the permission.',
          }),
        },
      },
    },
    async (request) => {
      const { action, names, publish = false } = request.body
      const by = callerOf(request)
      const change = changeOf(request.body)
      // As for one ruleset: what is enabled or disabled stays so where it cannot be published.
      if (publish && change.kind === 'delete') throwAny(publishing.refusal(by))
      const note = publish ? publishing.refusalBeside(by, 'Done here') : null
      const publishes = publish && note === null
      const purpose = publishes ? { publishAs: by.name } : {}
      const { done, failed } = await room.lend(() => rulesets.changeMany(by, names, change, purpose))
      return {
        action,
        done: done.length,
        failed: failed.map(({ name, failure: { code, message } }) => ({ name, error: code, message })),
        ...(publishes && { published: publishedMany(await publishing.settleMany(done)) }),
        ...(note !== null && { note }),
      }
    },
  )
}

function throwAny(failure: Failure | null): void {
  if (failure) throw failure
}

function publishedMany(settled: ReadonlyMap<string, Published>): NonNullable<Static<typeof BulkShape>['published']> {
  const named = Map.groupBy(settled, ([, { state }]) => state)
  const names = (state: Published['state']) => (named.get(state) ?? []).map(([name]) => name).sort()
  return {
    published: names('published').length,
    waiting: names('waiting').length,
    out_of_sync: names('out-of-sync'),
    not_published: names('not-published'),
  }
}

function changeOf({ action, tags = [], publish = false }: Static<typeof BulkBody>): BulkChange {
  if (action !== 'add-tags' && action !== 'remove-tags') return { kind: action }
  if (publish)
    throw new Failure('parameter.out-of-range', 'Parameter not in expected range: tags stay on their appliance.')
  if (tags.length > 0) return { kind: action, tags }
  throw new Failure('parameter.out-of-range', 'Parameter not in expected range: tags are missing.')
}
