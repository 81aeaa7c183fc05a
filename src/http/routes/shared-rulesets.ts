/** The shared rulesets of this appliance, and what a person decides about those that are OutOfSync. */
import { type Static, Type } from 'typebox'
import type { SharedListing } from '../../publishing/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { type SharedRulesetShape, SharedRulesetsShape, SharedTextsShape } from '../contract/sharing.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { PublishedShape, publishedJson } from './published.ts'

const RulesetPath = Type.Object({ name: RulesetName })
const unauthenticated = { 403: 'No token, or an unknown one.' }

export function addSharedRulesets(app: HttpServer, { appliance: { publishing } }: RouteParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['sharing'], operationId, summary })

  app.get(
    '/api/shared-rulesets/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('getSharedRulesets', 'List the shared rulesets of this appliance, and how they stand'),
        response: { 200: SharedRulesetsShape, ...refusals(yaraEnvelope, unauthenticated) },
      },
    },
    async (request) => {
      const { hasManager, url, name, key, sequence, lastContact, problem } = await publishing.status()
      return {
        member: hasManager,
        may_publish: hasManager && publishing.mayPublish(callerOf(request)),
        manager: url,
        appliance: name,
        key,
        sequence,
        last_contact: toIso(lastContact),
        problem,
        results: (await publishing.list()).map(toJson),
      }
    },
  )

  app.get(
    '/api/shared-rulesets/:name/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('getSharedRuleset', 'Get a shared ruleset: the text here, and the one that is shared'),
        params: RulesetPath,
        response: {
          200: SharedTextsShape,
          ...refusals(yaraEnvelope, {
            ...unauthenticated,
            400: 'The name is malformed.',
            404: 'No ruleset of that name is shared.',
          }),
        },
      },
    },
    async ({ params: { name } }) => {
      const found = await publishing.find(name)
      return { ...toJson(found), own_text: found.ownText, shared_text: found.sharedText }
    },
  )

  app.post(
    '/api/shared-rulesets/:name/resolve/',
    {
      config: { audit: about('name', 'keep'), access: 'account' },
      schema: {
        ...describe('resolveSharedRuleset', 'Decide which text of a ruleset that is OutOfSync stays'),
        params: RulesetPath,
        body: Type.Object({
          keep: Type.Enum(['own', 'shared'], {
            description:
              'own: it is published to all; shared: it takes the place of the own, which stays as a revision',
          }),
          sequence: Type.Integer({ minimum: 0, description: 'of the shared text that was seen' }),
        }),
        response: {
          200: PublishedShape,
          ...refusals(yaraEnvelope, {
            400: 'A parameter is not in its range.',
            401: 'It is a core ruleset, or belongs to another user.',
            403: `${unauthenticated[403]} Or the caller may not publish, or there is no publishing.`,
            404: 'No ruleset of that name is shared.',
            409: 'Another text is shared by now, or a cloud works on the ruleset.',
          }),
        },
      },
    },
    async (request) => {
      const { keep, sequence } = request.body
      return publishedJson(await publishing.resolve(callerOf(request), request.params.name, { keeps: keep, sequence }))
    },
  )
}

function toJson(shared: SharedListing): Static<typeof SharedRulesetShape> {
  const { name, syncState, sequence, version, author, appliance, time, digest, enabled, ownState, problem } = shared
  return {
    ...{ name, state: syncState, sequence, version, author, appliance, own: ownState, shared: { digest, enabled } },
    time: sequence === 0 ? null : toIso(time),
    needs_decision: shared.isBehind && syncState === 'OutOfSync',
    problem,
  }
}
