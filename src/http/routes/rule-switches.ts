/** The rules of a ruleset, and which of them are disabled by themselves: an addition to the specification. */
import { type Static, Type } from 'typebox'
import type { ListedRule } from '../../rulesets/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { RulesShape } from '../contract/rulesets.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RuleName, RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const RulesetPath = Type.Object({ name: RulesetName })

const statuses = {
  400: 'The name is malformed, or the rules are none, or too many.',
  403: 'No token, or an unknown one.',
  404: 'There is no such ruleset, or it has no rule of that name.',
}

export function addRuleSwitches(app: HttpServer, { appliance: { ruleSwitches } }: RouteParts): void {
  app.get(
    '/api/rulesets/:name/rules/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['rulesets'],
        operationId: 'listRules',
        summary: 'List the rules of a ruleset with their matches',
        params: RulesetPath,
        response: { 200: RulesShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ params: { name } }) => ({ results: (await ruleSwitches.list(name)).map(toJson) }),
  )

  for (const action of ['enable', 'disable'] as const) {
    app.post(
      `/api/rulesets/:name/rules/${action}/`,
      {
        config: { audit: about('name', 'rules'), access: { right: 'rulesets.change-any', orOwner: true } },
        schema: {
          tags: ['rulesets'],
          operationId: `${action}Rules`,
          summary:
            action === 'enable'
              ? 'Let rules of a ruleset report matches again'
              : 'Let rules of a ruleset report no matches, whatever text it gets',
          params: RulesetPath,
          body: Type.Object({ rules: Type.Array(RuleName, { minItems: 1, maxItems: 10_000 }) }),
          response: {
            200: RulesShape,
            ...refusals(yaraEnvelope, {
              ...statuses,
              401: 'It is a core ruleset, or belongs to another user.',
              409: 'More rules of the ruleset would be disabled than can be.',
            }),
          },
        },
      },
      async (request) => {
        const { name } = request.params
        await ruleSwitches.setEnabled(callerOf(request), name, request.body.rules, action === 'enable')
        return { results: (await ruleSwitches.list(name)).map(toJson) }
      },
    )
  }
}

function toJson(rule: ListedRule): Static<typeof RulesShape>['results'][number] {
  const { name, tags, meta, matches, isNoisy, isInText, disabled } = rule
  return {
    name,
    tags: [...tags],
    meta: { ...meta },
    matches,
    noisy: isNoisy,
    in_text: isInText,
    enabled: disabled === null,
    disabled_by: disabled?.by ?? null,
    disabled_since: disabled ? toIso(disabled.since) : null,
  }
}
