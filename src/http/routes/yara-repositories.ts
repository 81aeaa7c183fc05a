/** Rule sources in the vendor's words, as its SDK asks for them: repositories, and the job that updates them. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { SourceState } from '../../rule-sources/index.ts'
import { type SourceUpdates, toIso } from '../../store/index.ts'
import { neighbours } from '../addresses.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { Paging } from '../contract/paging.ts'
import { RepositoryShape } from '../contract/rule-sources.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { boundedPage, Flag, isSet, MOST_ROWS } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

/** What stands in the place of a token in answers; sent back, it leaves the token as it is. */
const MASK = '********'

const updates: readonly SourceUpdates[] = ['none', 'known', 'all']

const RepositoryPath = Type.Object({ id: Type.Integer({ minimum: 1 }) })

const RepositoryBody = Type.Object({
  url: Type.String({ description: 'https://…: a git repository, or a zip or tar' }),
  name: Type.String({ description: 'empty: made from the address' }),
  source_branch: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'empty: the default branch' })),
  api_token: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'token, or user:password' })),
  import_update_preferences: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 2, description: '0 manual, 1 update, 2 update and import' }),
  ),
  removed_upstream: Type.Optional(
    Type.Enum(['disable', 'delete'], { description: 'what happens with a ruleset whose file is gone' }),
  ),
})

const Done = Type.Object({ code: Type.Literal(200), message: Type.String() })

const unauthenticated = 'No token, or an unknown one.'
const fetchRefused = {
  400: 'A parameter is not in its range, or rules may not be fetched from there.',
  409: 'There is a repository of that name already.',
  424: 'The repository cannot be reached or read; the message says why.',
}

export function addYaraRepositories(app: HttpServer, { appliance: { ruleSources } }: RouteParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['rule sources'], operationId, summary })

  app.get(
    '/api/yara/repositories/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('listRepositories', 'List repositories that rulesets are fetched from'),
        querystring: Type.Object({
          active_filter: Type.Enum(['all', 'user', 'system'], {
            default: 'all',
            description: 'there are none but those of users',
          }),
          ...Paging,
        }),
        response: {
          200: Type.Object({
            count: Type.Integer(),
            next: Type.Union([Type.String(), Type.Null()]),
            previous: Type.Union([Type.String(), Type.Null()]),
            results: Type.Array(RepositoryShape),
          }),
          ...refusals(yaraEnvelope, {
            400: 'A parameter is not in its range, or there is no such page.',
            403: unauthenticated,
          }),
        },
      },
    },
    async (request) => {
      const { active_filter, page = '1', page_size = String(MOST_ROWS) } = request.query
      // Either may be left out here: the SDK sends what its caller gave.
      const asked = boundedPage(Number(page), Number(page_size))
      const { number, size } = asked
      const all = active_filter === 'system' ? [] : await ruleSources.list()
      const from = (number - 1) * size
      if (number > 1 && from >= all.length) throw new Failure('page.beyond-end')
      return {
        count: all.length,
        ...neighbours(request, asked, all.length, [['active_filter', active_filter]]),
        results: all.slice(from, from + size).map(repositoryJson),
      }
    },
  )

  app.post(
    '/api/yara/repositories/',
    {
      config: { audit: about('name', 'url'), access: 'account' },
      schema: {
        ...describe('addRepository', 'Add a repository, once it is known that it can be reached'),
        body: RepositoryBody,
        response: { 201: RepositoryShape, ...refusals(yaraEnvelope, { ...fetchRefused, 403: unauthenticated }) },
      },
    },
    async (request, reply) => {
      const { token, ...spec } = specOf(request.body)
      const added = await ruleSources.add(callerOf(request), { ...spec, token: token ?? '' })
      return reply.code(201).send(repositoryJson(added))
    },
  )

  app.put(
    '/api/yara/repositories/:id/',
    {
      config: { audit: about('id', 'name', 'url'), access: { right: 'rulesets.change-any', orOwner: true } },
      schema: {
        ...describe('changeRepository', 'Set a repository anew'),
        description: `An \`api_token\` of \`${MASK}\`, or none, leaves the token as it is; an empty one removes it.`,
        params: RepositoryPath,
        body: RepositoryBody,
        response: {
          200: RepositoryShape,
          ...refusals(yaraEnvelope, {
            ...fetchRefused,
            403: `${unauthenticated} Or it belongs to another user.`,
            404: 'There is no such repository.',
          }),
        },
      },
    },
    async (request) =>
      repositoryJson(await ruleSources.change(callerOf(request), request.params.id, specOf(request.body))),
  )

  app.delete(
    '/api/yara/repositories/:id/',
    {
      config: { audit: about('id', 'shouldRemoveRulesets'), access: { right: 'rulesets.change-any', orOwner: true } },
      schema: {
        ...describe('removeRepository', 'Remove a repository, with its rulesets or without'),
        params: RepositoryPath,
        querystring: Type.Object({ shouldRemoveRulesets: Type.Optional(Flag) }),
        response: {
          200: Done,
          ...refusals(yaraEnvelope, {
            400: 'A parameter is not in its range.',
            401: 'A ruleset of it cannot be deleted by its owner.',
            403: `${unauthenticated} Or it belongs to another user.`,
            404: 'There is no such repository.',
          }),
        },
      },
    },
    async (request) => {
      const withRulesets = isSet(request.query.shouldRemoveRulesets)
      await ruleSources.remove(callerOf(request), request.params.id, withRulesets)
      const what = withRulesets ? 'Repository removed with its rulesets.' : 'Repository removed; its rulesets stay.'
      return { code: 200 as const, message: what }
    },
  )

  const addJob = (
    path: 'reset-interval' | 'run',
    operationId: string,
    summary: string,
    work: () => Promise<string>,
  ): void => {
    app.post(
      `/api/yara/update/${path}/`,
      {
        config: { audit: about(), access: 'rulesets.schedule' },
        schema: {
          ...describe(operationId, summary),
          response: {
            200: Done,
            ...refusals(yaraEnvelope, { 403: `${unauthenticated} Or not an administrator\u2019s.` }),
          },
        },
      },
      async () => ({ code: 200 as const, message: await work() }),
    )
  }

  const intervalSentence = async (): Promise<string> => {
    const seconds = await ruleSources.schedule.interval()
    return seconds === 0
      ? 'Repositories are fetched when somebody asks, and not by themselves.'
      : `Repositories are fetched every ${seconds} seconds.`
  }

  app.post(
    '/api/yara/update/set-interval/:seconds/',
    {
      config: { audit: about('seconds'), access: 'rulesets.schedule' },
      schema: {
        ...describe('setUpdateInterval', 'Set how often repositories are fetched by themselves; 0 for never'),
        params: Type.Object({ seconds: Type.Integer({ minimum: 0, maximum: 315_360_000 }) }),
        response: {
          200: Done,
          ...refusals(yaraEnvelope, {
            400: 'The number is not in its range.',
            403: `${unauthenticated} Or not an administrator\u2019s.`,
          }),
        },
      },
    },
    async ({ params: { seconds } }) => {
      await ruleSources.schedule.setInterval(seconds)
      return { code: 200 as const, message: await intervalSentence() }
    },
  )
  addJob('reset-interval', 'resetUpdateInterval', 'Fetch repositories as often as the settings say', async () => {
    await ruleSources.schedule.setInterval(null)
    return intervalSentence()
  })
  addJob('run', 'runUpdates', 'Fetch all repositories now that are kept up to date', async () => {
    await ruleSources.runUpdates()
    return 'The repositories are fetched in the background.'
  })
}

function specOf(body: Static<typeof RepositoryBody>) {
  const { url, name, source_branch, api_token, import_update_preferences = 0, removed_upstream } = body
  return {
    url,
    name,
    branch: source_branch ?? '',
    token: api_token === undefined || api_token === null || api_token === MASK ? null : api_token,
    updates: updates[import_update_preferences] ?? 'none',
    ...(removed_upstream !== undefined && { deletes: removed_upstream === 'delete' }),
  }
}

function repositoryJson({ source }: SourceState): Static<typeof RepositoryShape> {
  return {
    id: source.id,
    url: source.url,
    name: source.name,
    source_branch: source.branch,
    source_type: source.kind === 'git' ? 0 : 1,
    api_token: source.hasToken ? MASK : '',
    import_update_preferences: updates.indexOf(source.updates),
    is_custom: true,
    last_modified: toIso(source.modified),
    user: source.owner.id,
  }
}
