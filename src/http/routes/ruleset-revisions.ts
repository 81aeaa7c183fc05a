/** What the specification does not have about rulesets: their revisions, and core rulesets. */
import { type Static, Type } from 'typebox'
import type { RevisionEntry } from '../../rulesets/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { TEXT_BODY } from '../body-bounds.ts'
import { Diagnosed, type RevisionJson, RevisionShape, RevisionsShape } from '../contract/rulesets.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RulesetName, YaraText } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { diagnosticJson, leftOutJson } from './diagnostic-json.ts'

const RulesetPath = Type.Object({ name: RulesetName })

const statuses = {
  400: 'The name or the number is malformed.',
  403: 'No token, or an unknown one.',
  404: 'There is no such ruleset or revision.',
}

export function addRulesetRevisions(app: HttpServer, { appliance: { rulesets } }: RouteParts): void {
  app.get(
    '/api/rulesets/:name/revisions/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['rulesets'],
        operationId: 'listRevisions',
        summary: 'List the revisions of a ruleset, newest first',
        params: RulesetPath,
        response: { 200: RevisionsShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ params: { name } }) => ({
      results: (await rulesets.revisions(name)).map((revision) => ({
        ...toJson(revision),
        matches: { ...revision.matches },
      })),
    }),
  )

  app.get(
    '/api/rulesets/:name/revisions/:number/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['rulesets'],
        operationId: 'getRevision',
        summary: 'Get a revision of a ruleset',
        params: Type.Object({ name: RulesetName, number: Type.Integer({ minimum: 1 }) }),
        response: {
          200: RevisionShape,
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async ({ params: { name, number } }) => {
      const revision = await rulesets.revision(name, number)
      return {
        ...toJson(revision),
        content: revision.content,
        diagnostics: revision.diagnostics.map(diagnosticJson),
        left_out: revision.leftOut.map(leftOutJson),
        rules: revision.rules.map((rule) => ({ name: rule.name, tags: [...rule.tags] })),
      }
    },
  )

  app.post(
    '/api/rulesets/core/',
    {
      config: { audit: about('name'), access: 'rulesets.import-core' },
      bodyLimit: TEXT_BODY,
      schema: {
        tags: ['rulesets'],
        operationId: 'saveCoreRuleset',
        summary: 'Create or update a core ruleset, which then nobody can change through the YARA API',
        body: Type.Object({ name: RulesetName, content: YaraText }),
        response: {
          200: Type.Object({
            name: Type.String(),
            created: Type.Boolean(),
            revision: Type.Integer(),
            runs: Type.Boolean(),
            diagnostics: Type.Array(Diagnosed),
          }),
          ...refusals(yaraEnvelope, {
            400: 'The name or the content is missing or not in its range.',
            401: 'A ruleset of that name is a user\u2019s.',
            403: 'No token, or an unknown one, or not an administrator\u2019s.',
          }),
        },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const { name, created, revision, state, diagnostics } = await rulesets.importCore(caller, request.body)
      return { name, created, revision, runs: state === 'valid', diagnostics: diagnostics.map(diagnosticJson) }
    },
  )
}

function toJson({
  number,
  author,
  created,
  valid,
  origin,
}: Omit<RevisionEntry, 'matches'>): Static<typeof RevisionJson> {
  return { number, author, created: toIso(created), valid, origin }
}
