/** What users write down about rulesets: notes, tags, and until when one runs. An addition to the specification. */
import { Type } from 'typebox'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { QUERY_BODY } from '../body-bounds.ts'
import { NotesBody, RulesetShape, RulesetTagsShape } from '../contract/rulesets.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { rulesetJson } from './ruleset-json.ts'

export function addRulesetNotes(app: HttpServer, { appliance: { rulesets, rulesetNotes } }: RouteParts): void {
  app.put(
    '/api/rulesets/:name/notes/',
    {
      config: { audit: about('name'), access: { right: 'rulesets.change-any', orOwner: true } },
      bodyLimit: QUERY_BODY,
      schema: {
        tags: ['rulesets'],
        operationId: 'setRulesetNotes',
        summary: 'Write down notes and tags of a ruleset, and until when it runs',
        params: Type.Object({ name: RulesetName }),
        body: NotesBody,
        response: {
          200: RulesetShape,
          ...refusals(yaraEnvelope, {
            400: 'The name or a value is malformed, or expires has passed.',
            401: 'It is a core ruleset, or belongs to another user.',
            403: 'No token, or an unknown one.',
            404: 'There is no such ruleset.',
          }),
        },
      },
    },
    async (request) => {
      const { name } = request.params
      const { notes, tags, expires } = request.body
      await rulesetNotes.change(callerOf(request), name, {
        notes,
        tags,
        ...(expires !== undefined && { expires: expires === null ? null : Date.parse(expires) * 1_000 }),
      })
      return rulesetJson(await rulesets.get(name))
    },
  )

  app.get(
    '/api/ruleset-tags/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['rulesets'],
        operationId: 'listRulesetTags',
        summary: 'List the tags of rulesets',
        response: { 200: RulesetTagsShape, ...refusals(yaraEnvelope, { 403: 'No token, or an unknown one.' }) },
      },
    },
    async () => ({ results: (await rulesetNotes.tags()).map((each) => ({ ...each })) }),
  )
}
