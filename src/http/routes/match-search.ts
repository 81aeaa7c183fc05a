/** Matches with filters, and as files: additions to the specification. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { Matches, MatchFilter, MatchSortKey } from '../../matches/index.ts'
import { MOST_CHARACTERS } from '../../query/index.ts'
import { checkName } from '../../rulesets/index.ts'
import { matchSortKeys } from '../../store/index.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { MatchGroupsShape, MatchSearchShape, MatchShape } from '../contract/matches.ts'
import { CountedShape } from '../contract/paging.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { matchFileTypes, matchFormats, matchJson, sendMatches } from '../match-files.ts'
import { RulesetName } from '../parameters.ts'
import { readQuery } from '../queries.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { classificationNumber, periodOf, sampleFilters } from './sample-shapes.ts'

const Size = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'in bytes' }))
/** What a search for matches asks. */
export const matchFilters = {
  ruleset: Type.Optional(Type.Array(RulesetName, { maxItems: 100, description: 'of any of these' })),
  together: Type.Boolean({ default: false, description: 'only samples that match every one of them' }),
  revision: Type.Optional(Type.Integer({ minimum: 1, description: 'first found with this revision of its ruleset' })),
  rule: Type.Optional(Type.String({ maxLength: 200, description: 'a part of the rule\u2019s name' })),
  enabled_rules: Type.Boolean({ default: false, description: 'only of rules that are not disabled by themselves' }),
  place: Type.Optional(Type.Enum(['local', 'cloud'])),
  ...sampleFilters,
  min_size: Size,
  max_size: Size,
  exact_rule: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'the whole name of the rule' })),
  query: Type.Optional(
    Type.String({
      maxLength: MOST_CHARACTERS,
      description: 'what the sample fulfils, in the language of the sample search',
    }),
  ),
  run: Type.Optional(Type.Integer({ minimum: 1, description: 'found by this run of Local Retro, new or not' })),
  new_in_run: Type.Boolean({ default: false, description: 'with `run`: recorded since the run before had ended' }),
}
const After = Type.Optional(
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'the `next_after` of a page' }),
)
const AfterOfOrder = Type.Optional(
  Type.String({ pattern: '^[0-9]{1,16}(\\.|$)', maxLength: 300, description: 'the `next_after` of a page' }),
)
const Limit = Type.Integer({ minimum: 1, maximum: 500, default: 100 })
const Filters = Type.Object(matchFilters)
const Format = Type.Enum(matchFormats)
const MispEvent = Type.Object({ Event: Type.Object({}, { additionalProperties: true }) })

const statuses = {
  400: 'A parameter is malformed.',
  403: 'No token, or an unknown one.',
  404: 'There is no such ruleset.',
}

export function addMatchSearch(app: HttpServer, { appliance: { matches } }: RouteParts): void {
  app.get(
    '/api/matches/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['matches'],
        operationId: 'searchMatches',
        summary: 'Search matches, those recorded last first unless ordered',
        querystring: Type.Object({
          ...matchFilters,
          order: Type.Enum(['recorded', ...matchSortKeys], { default: 'recorded' }),
          descending: Type.Boolean({ default: true }),
          after: AfterOfOrder,
          limit: Limit,
        }),
        response: { 200: MatchSearchShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ query }) => foundMatches(matches, query),
  )

  app.get(
    '/api/matches/groups/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['matches'],
        operationId: 'searchMatchGroups',
        summary: 'Search matches by sample or by rule',
        querystring: Type.Object({ ...matchFilters, by: Type.Enum(['sample', 'rule']), after: After, limit: Limit }),
        response: { 200: MatchGroupsShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ query: { by, after, limit, ...query } }) => {
      const found = await matches.findGroups(filterOf(query), by, { limit, ...(after !== undefined && { after }) })
      return {
        next_after: found.next,
        results: found.results.map(({ newest, matches: counted }) => ({ newest: matchJson(newest), matches: counted })),
      }
    },
  )

  app.get(
    '/api/matches/count/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['matches'],
        operationId: 'countMatches',
        summary: 'Count the matches that a search finds',
        querystring: Filters,
        response: { 200: CountedShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ query }) => matches.countFound(filterOf(query)),
  )

  const files = {
    tags: ['matches'],
    produces: matchFileTypes,
    response: {
      200: Type.Unsafe<unknown>(Type.Union([Type.String(), Type.Array(MatchShape), MispEvent])),
      ...refusals(yaraEnvelope, statuses),
    },
  }
  app.get(
    '/api/matches/export/',
    {
      config: { access: 'account' },
      schema: {
        ...files,
        operationId: 'exportMatches',
        summary: 'Download all matches that fulfil a filter',
        querystring: Type.Object({ ...Filters.properties, format: Format }),
      },
    },
    async ({ query: { format, ...query } }, reply) => {
      const filter = filterOf(query)
      // Refuses an unknown ruleset before the first byte.
      await matches.count(filter.rulesets ?? [])
      return sendMatches(reply, format, matches.findAll(filter))
    },
  )
  app.post(
    '/api/matches/export/',
    {
      config: { onlyReads: true, audit: 'nothing to tell', access: 'account' },
      bodyLimit: LIST_BODY,
      schema: {
        ...files,
        operationId: 'exportChosenMatches',
        summary: 'Download these matches',
        body: Type.Object({
          format: Format,
          ids: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: 10_000 }),
        }),
      },
    },
    async ({ body: { format, ids } }, reply) => sendMatches(reply, format, await matches.byIds(ids)),
  )
}

/** A page of a search as it is answered on the wire. */
export async function foundMatches(
  matches: Matches,
  {
    after,
    limit,
    order = 'recorded',
    descending = true,
    ...query
  }: Static<typeof Filters> & {
    readonly after?: number | string
    readonly limit: number
    readonly order?: 'recorded' | MatchSortKey
    readonly descending?: boolean
  },
): Promise<Static<typeof MatchSearchShape>> {
  const filter = filterOf(query)
  const count = await matches.countKnown(filter)
  if (order !== 'recorded') {
    const { results, next } = await matches.findSorted(
      filter,
      { by: order, descending },
      { limit, ...(after !== undefined && { after: String(after) }) },
    )
    return { count, next_after: next, results: results.map(matchJson) }
  }
  const found = await matches.find(filter, {
    limit,
    oldestFirst: !descending,
    ...(after !== undefined && { after: idOf(after) }),
  })
  return { count, next_after: found.next, results: found.results.map(matchJson) }
}

/** Where a list by time goes on: other than in another order, the id of a match. */
function idOf(after: number | string): number {
  const id = Number(after)
  if (Number.isSafeInteger(id) && id > 0) return id
  throw new Failure('parameter.out-of-range', `Parameter not in expected range: ${after} is no id of a match.`)
}

/** Everything but `after` and `limit`. */
function filterOf(query: Static<typeof Filters>): MatchFilter {
  const { ruleset, together, revision, rule, enabled_rules, place } = query
  const { file_type, classification, tag, from, to, min_size, max_size, exact_rule, run, new_in_run } = query
  const sample = query.query ? readQuery(query.query) : null
  for (const name of ruleset ?? []) checkName(name, 'ruleset.name-invalid')
  return {
    ...(ruleset && ruleset.length > 0 && { rulesets: ruleset }),
    ...(together && { together }),
    ...(revision !== undefined && { revision }),
    ...(rule && { rule }),
    ...(enabled_rules && { enabledRules: true }),
    ...(place && { cloud: place === 'cloud' }),
    ...(file_type && { fileTypes: file_type }),
    ...(classification && { classifications: classification.map(classificationNumber) }),
    ...(tag && { tag }),
    ...(min_size !== undefined && { minSize: min_size }),
    ...(max_size !== undefined && { maxSize: max_size }),
    ...(exact_rule !== undefined && { exactRule: exact_rule }),
    ...(sample && { sample }),
    ...(run !== undefined && { run, newInRun: new_in_run }),
    ...periodOf(from, to),
  }
}
