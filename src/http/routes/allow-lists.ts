/** The allow lists of rules: an addition to the specification. */
import { Type } from 'typebox'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { AllowListShape, allowedKinds } from '../contract/rulesets.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RuleName, RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const RulesetPath = Type.Object({ name: RulesetName })

const Entry = Type.Object({
  rule: RuleName,
  kind: Type.Enum(allowedKinds),
  value: Type.String({ minLength: 1, maxLength: 300, description: 'of a name with the wildcards * and ?' }),
})

const statuses = {
  400: 'The name is malformed, or the value is none of its kind.',
  403: 'No token, or an unknown one.',
  404: 'There is no such ruleset, or it has no rule of that name.',
}

export function addAllowLists(app: HttpServer, { appliance: { allowLists } }: RouteParts): void {
  const path = '/api/rulesets/:name/allowed/'
  const listed = async (name: string) => ({
    results: (await allowLists.list(name)).map(({ created, ...entry }) => ({ ...entry, created: toIso(created) })),
  })

  app.get(
    path,
    {
      config: { access: 'account' },
      schema: {
        tags: ['rulesets'],
        operationId: 'listAllowedSamples',
        summary: 'List the samples whose matches with rules of a ruleset are not reported',
        params: RulesetPath,
        response: { 200: AllowListShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ params: { name } }) => listed(name),
  )

  const changing = {
    config: {
      audit: about('name', 'rule', 'kind', 'value'),
      access: { right: 'rulesets.change-any', orOwner: true },
    },
    response: {
      200: AllowListShape,
      ...refusals(yaraEnvelope, { ...statuses, 401: 'It is a core ruleset, or belongs to another user.' }),
    },
  } as const

  app.post(
    path,
    {
      config: changing.config,
      schema: {
        tags: ['rulesets'],
        operationId: 'allowSamples',
        summary: 'Let a rule report no matches of some samples',
        params: RulesetPath,
        body: Entry,
        response: {
          ...changing.response,
          ...refusals(yaraEnvelope, { 409: 'The allow list of the rule is full.' }),
        },
      },
    },
    async (request) => {
      const { name } = request.params
      await allowLists.add(callerOf(request), name, request.body)
      return listed(name)
    },
  )

  app.delete(
    path,
    {
      config: changing.config,
      schema: {
        tags: ['rulesets'],
        operationId: 'disallowSamples',
        summary: 'Let a rule report matches of some samples again',
        params: RulesetPath,
        body: Entry,
        response: changing.response,
      },
    },
    async (request) => {
      const { name } = request.params
      await allowLists.remove(callerOf(request), name, request.body)
      return listed(name)
    },
  )
}
