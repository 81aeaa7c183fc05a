import { type Static, Type } from 'typebox'
import type { MatchRow } from '../../matches/index.ts'
import { checkName } from '../../rulesets/index.ts'
import { toIso } from '../../store/index.ts'
import { neighbours } from '../addresses.ts'
import { Paging } from '../contract/paging.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { pageOf, RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { readByNames } from '../unescaped-names.ts'

const ListedMatch = Type.Object({
  classification: Type.Integer({
    minimum: 0,
    maximum: 3,
    description: '0 unknown, 1 goodware, 2 suspicious, 3 malicious',
  }),
  riskscore: Type.Integer({ minimum: 0, maximum: 10 }),
  classification_result: Type.Union([Type.String(), Type.Null()]),
  sha1: Type.String(),
  sha256: Type.Union([Type.String(), Type.Null()]),
  md5: Type.Union([Type.String(), Type.Null()]),
  extracted_file_count: Type.Union([Type.Integer(), Type.Null()]),
  created: Type.String({ format: 'date-time' }),
  file_type: Type.String(),
  file_size: Type.Integer(),
  filename: Type.String(),
  rule: Type.String(),
  downloadable: Type.Boolean(),
  cloud: Type.Boolean(),
})

/** `GET /api/yara/v2/ruleset/matches/`: samples that match every named ruleset, one row for each rule and place. */
export function addRulesetMatches(app: HttpServer, { appliance: { matches } }: RouteParts): void {
  // The older address is the one in the vendor's examples of `next`.
  for (const url of ['/api/yara/v2/ruleset/matches/', '/api/yara/ruleset/matches/'])
    app.get(
      url,
      {
        config: { access: 'account', invalid: { name: 'ruleset.name-invalid' } },
        schema: {
          tags: ['rulesets'],
          operationId: url.includes('v2') ? 'listMatches' : 'listMatchesOlder',
          summary: url.includes('v2') ? 'List the matches of rulesets' : 'List the matches of rulesets (older address)',
          querystring: Type.Object({ name: Type.Array(RulesetName, { minItems: 1, maxItems: 100 }), ...Paging }),
          response: {
            200: Type.Object({
              count: Type.Integer(),
              next: Type.Union([Type.String(), Type.Null()]),
              previous: Type.Union([Type.String(), Type.Null()]),
              results: Type.Array(ListedMatch),
            }),
            ...refusals(yaraEnvelope, {
              400: 'A name is missing or invalid, or there is no such page.',
              403: 'No token, or an unknown one.',
              404: 'There is no such ruleset.',
            }),
          },
        },
      },
      async (request) => {
        const page = pageOf(request.query)
        return readByNames(request, request.query.name, async (names) => {
          for (const name of names) checkName(name, 'ruleset.name-invalid')
          const { count, results } = await matches.list({ names, page })
          const query = names.map((name) => ['name', name] as const)
          return { count, ...neighbours(request, page, count, query), results: results.map(listed) }
        })
      },
    )
}

function listed(match: MatchRow): Static<typeof ListedMatch> {
  return {
    classification: match.classification,
    // Always a number, as clients compare it; 0 where the classification has no score.
    riskscore: match.riskScore ?? 0,
    classification_result: match.threatName,
    sha1: match.sha1,
    sha256: match.sha256,
    md5: match.md5,
    extracted_file_count: match.extractedFileCount,
    created: toIso(match.created),
    file_type: match.fileType,
    file_size: match.fileSize,
    filename: match.filename,
    rule: match.rule,
    downloadable: match.downloadable,
    cloud: match.cloud,
  }
}
