/** What the specification does not have about rulesets: their particulars, their revisions, and core rulesets. */
import { type Static, Type } from 'typebox'
import { demand } from '../../accounts/index.ts'
import type { RevisionEntry } from '../../rulesets/index.ts'
import { toIso } from '../../store/index.ts'
import { callerOf } from '../authentication.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer } from '../server.ts'
import type { RouteParts } from './index.ts'
import { Diagnosed, toldDiagnostic } from './told-diagnostic.ts'

const RulesetPath = Type.Object({ name: RulesetName })
const Time = Type.String({ format: 'date-time' })
const RevisionListed = Type.Object({
  number: Type.Integer(),
  author: Type.String(),
  created: Time,
  valid: Type.Boolean(),
})

const statuses = {
  400: 'The name or the number is malformed.',
  403: 'No token, or an unknown one.',
  404: 'There is no such ruleset or revision.',
}

export function addRulesetRevisions(app: HttpServer, { appliance: { rulesets } }: RouteParts): void {
  app.get(
    '/api/rulesets/:name/',
    {
      schema: {
        tags: ['rulesets'],
        summary: 'Get the particulars of a ruleset',
        params: RulesetPath,
        response: {
          200: Type.Object({
            name: Type.String(),
            owner: Type.String(),
            status: Type.String(),
            reason: Type.Union([Type.String(), Type.Null()], { description: 'why it is invalid or in error' }),
            enabled: Type.Boolean(),
            system_ruleset: Type.Boolean(),
            cloud_synced: Type.Boolean(),
            revision: Type.Integer(),
            created: Time,
            modified: Time,
            last_matched: Type.Union([Time, Type.Null()]),
            match_counts: Type.Object({
              unknown: Type.Integer(),
              goodware: Type.Integer(),
              suspicious: Type.Integer(),
              malicious: Type.Integer(),
            }),
          }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async ({ params: { name } }) => {
      const ruleset = await rulesets.get(name)
      return {
        name: ruleset.name,
        owner: ruleset.owner,
        status: ruleset.status,
        reason: ruleset.reason,
        enabled: ruleset.enabled,
        system_ruleset: ruleset.core,
        cloud_synced: ruleset.cloudSynced,
        revision: ruleset.revision,
        created: toIso(ruleset.created),
        modified: toIso(ruleset.modified),
        last_matched: ruleset.lastMatched === null ? null : toIso(ruleset.lastMatched),
        match_counts: ruleset.counts,
      }
    },
  )

  app.get(
    '/api/rulesets/:name/revisions/',
    {
      schema: {
        tags: ['rulesets'],
        summary: 'List the revisions of a ruleset, newest first',
        params: RulesetPath,
        response: { 200: Type.Object({ results: Type.Array(RevisionListed) }), ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ params: { name } }) => ({ results: (await rulesets.revisions(name)).map(listed) }),
  )

  app.get(
    '/api/rulesets/:name/revisions/:number/',
    {
      schema: {
        tags: ['rulesets'],
        summary: 'Get a revision of a ruleset',
        params: Type.Object({ name: RulesetName, number: Type.Integer({ minimum: 1 }) }),
        response: {
          200: Type.Object({
            ...RevisionListed.properties,
            content: Type.String(),
            diagnostics: Type.Array(Diagnosed),
            rules: Type.Array(Type.Object({ name: Type.String(), tags: Type.Array(Type.String()) })),
          }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async ({ params: { name, number } }) => {
      const revision = await rulesets.revision(name, number)
      return {
        ...listed(revision),
        content: revision.content,
        diagnostics: revision.diagnostics.map(toldDiagnostic),
        rules: revision.rules.map((rule) => ({ name: rule.name, tags: [...rule.tags] })),
      }
    },
  )

  app.post(
    '/api/rulesets/core/',
    {
      schema: {
        tags: ['rulesets'],
        summary: 'Create or update a core ruleset, which then nobody can change through the YARA API',
        body: Type.Object({ name: RulesetName, content: Type.String({ minLength: 1 }) }),
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
      demand(caller, 'rulesets.import-core')
      const { name, created, revision, state, diagnostics } = await rulesets.importCore(caller, request.body)
      return { name, created, revision, runs: state === 'valid', diagnostics: diagnostics.map(toldDiagnostic) }
    },
  )
}

function listed({ number, author, created, valid }: RevisionEntry): Static<typeof RevisionListed> {
  return { number, author, created: toIso(created), valid }
}
