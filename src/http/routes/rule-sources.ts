/** What the vendor's API does not have about rule sources: previews, synchronizations, and their state. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { modes, type SourceFile, type SourceState } from '../../rule-sources/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { PreviewShape, RuleSourceFilesShape, RuleSourceShape, RuleSourcesShape } from '../contract/rule-sources.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { MOST_ROWS } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const SourcePath = Type.Object({ id: Type.Integer({ minimum: 1 }) })
const Started = Type.Object({
  run: Type.Integer({ description: 'it has ended once the run of the answer to GET is as large, or larger' }),
})

const statuses = {
  400: 'The number is malformed.',
  403: 'No token, or an unknown one.',
  404: 'There is no such rule source.',
}
const ownStatuses = { ...statuses, 403: `${statuses[403]} Or it belongs to another user.` }

export function addRuleSources(app: HttpServer, { appliance: { ruleSources } }: RouteParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['rule sources'], operationId, summary })

  app.get(
    '/api/rule-sources/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('listRuleSources', 'List rule sources with their state'),
        response: { 200: RuleSourcesShape, ...refusals(yaraEnvelope, { 403: statuses[403] }) },
      },
    },
    async () => ({
      interval: await ruleSources.schedule.interval(),
      results: (await ruleSources.list()).map(sourceJson),
    }),
  )

  app.get(
    '/api/rule-sources/:id/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('getRuleSource', 'Get a rule source with its state'),
        params: SourcePath,
        response: { 200: RuleSourceShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ params: { id } }) => sourceJson(await ruleSources.get(id)),
  )

  app.get(
    '/api/rule-sources/:id/files/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('listRuleSourceFiles', 'List the rule files of a source, and what they became'),
        params: SourcePath,
        response: { 200: RuleSourceFilesShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ params: { id } }) => {
      const files = await ruleSources.files(id)
      return { count: files.length, results: files.slice(0, MOST_ROWS).map(fileJson) }
    },
  )

  app.post(
    '/api/rule-sources/:id/preview/',
    {
      config: { audit: about('id'), access: { right: 'rulesets.change-any', orOwner: true } },
      schema: {
        ...describe('startPreview', 'Look in the background at what a synchronization would bring'),
        params: SourcePath,
        response: { 202: Started, ...refusals(yaraEnvelope, ownStatuses) },
      },
    },
    async (request, reply) => {
      const run = await ruleSources.startPreview(callerOf(request), request.params.id)
      return reply.code(202).send({ run })
    },
  )

  app.get(
    '/api/rule-sources/:id/preview/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('getPreview', 'Get the latest preview of a rule source'),
        params: SourcePath,
        response: {
          200: PreviewShape,
          ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such rule source, or no preview of it.' }),
        },
      },
    },
    async ({ params: { id } }) => {
      const latest = await ruleSources.latestPreview(id)
      if (latest === null) throw new Failure('source.not-found', 'There is no preview of this rule source yet.')
      const { run, problem, preview } = latest
      return {
        run,
        problem,
        version: preview?.version ?? null,
        corpus: preview?.corpus ?? null,
        files: (preview?.files ?? []).slice(0, MOST_ROWS).map(({ broadRules, problems, ...file }) => ({
          ...file,
          problems: [...problems],
          broad_rules: [...broadRules],
        })),
        unreadable: (preview?.unreadable ?? []).slice(0, MOST_ROWS).map((one) => ({ ...one })),
      }
    },
  )

  app.post(
    '/api/rule-sources/:id/sync/',
    {
      config: { audit: about('id', 'overwrite'), access: { right: 'rulesets.change-any', orOwner: true } },
      schema: {
        ...describe(
          'synchronizeRuleSource',
          'Fetch a rule source and bring all its rulesets up to date, in the background',
        ),
        params: SourcePath,
        querystring: Type.Object({
          overwrite: Type.Boolean({
            default: false,
            description: 'rulesets that were edited or deleted here become what the source has',
          }),
        }),
        response: { 202: Started, ...refusals(yaraEnvelope, ownStatuses) },
      },
    },
    async (request, reply) => {
      const { overwrite } = request.query
      const run = await ruleSources.requestSynchronization(callerOf(request), request.params.id, overwrite)
      return reply.code(202).send({ run })
    },
  )
}

function sourceJson({ source, activity, lastRun }: SourceState): Static<typeof RuleSourceShape> {
  const { id, name, kind, url, branch, version, failures, problem } = source
  return {
    id,
    name,
    owner: source.owner.name,
    kind,
    url,
    branch,
    has_token: source.hasToken,
    mode: modes[source.updates],
    removed_upstream: source.deletes ? 'delete' : 'disable',
    created: toIso(source.created),
    modified: toIso(source.modified),
    state: stateOf({ source, activity, lastRun }),
    version,
    synced: toIso(source.synced),
    next: toIso(source.due),
    failures,
    problem,
    activity,
    last_run: lastRun && {
      run: lastRun.run,
      problem: lastRun.problem,
      outcome: lastRun.outcome && { ...lastRun.outcome, problems: [...lastRun.outcome.problems] },
    },
  }
}

function stateOf({ source, activity }: SourceState): Static<typeof RuleSourceShape>['state'] {
  if (activity !== null && activity.phase !== 'waiting') return 'working'
  if (source.problem !== null) return 'failed'
  if (source.wanted !== null || activity !== null) return 'waiting'
  return source.synced === null ? 'new' : 'synced'
}

function fileJson({ path, state, digest, problem, ruleset }: SourceFile) {
  const isDeleted = ruleset === null && digest !== null
  const isDetached = ruleset !== null && !ruleset.isCurrent
  return {
    path,
    state: isDeleted ? ('deleted' as const) : isDetached ? ('detached' as const) : state,
    ruleset: ruleset?.name ?? null,
    enabled: ruleset?.enabled ?? false,
    problem: problem ?? ruleset?.reason ?? null,
  }
}
