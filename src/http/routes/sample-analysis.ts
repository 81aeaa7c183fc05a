/**
 * Analysing samples again, in the vendor's three forms. What is analysed here is what rules match, so `core` matches a
 * sample with everything that is enabled; the other kinds are of services that this appliance does not have.
 */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { Requested } from '../../intake/index.ts'
import type { Sample } from '../../samples/index.ts'
import { about } from '../auditing.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { HashPath } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { COMMAS } from '../validation.ts'

const forms = ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json']
const kinds = ['core', 'cloud', 'rl_cloud_sandbox', 'cuckoo', 'fireeye', 'joe', 'cape'] as const
const usual = ['core'] as const
const statuses = { 400: 'A hash or a kind of analysis is malformed.', 403: 'No token, or an unknown one.' }

const Kinds = Type.Array(Type.Enum([...kinds]), {
  [COMMAS]: true,
  maxItems: 100,
  default: ['core'],
  description: 'kinds of analysis; `core` matches the sample with all enabled rulesets, no other is configured here',
})
const Hashes = Type.Array(Type.String(), {
  [COMMAS]: true,
  minItems: 1,
  maxItems: 10_000,
  description: 'hashes of any kind',
})
const orNull = Type.Union([Type.String(), Type.Null()])
const Outcome = Type.Object({ name: Type.String(), code: Type.Integer(), message: Type.String() })
const Analysed = Type.Object({
  detail: Type.Object({ sha1: Type.String(), sha256: orNull, sha512: orNull, md5: orNull, imphash: Type.String() }),
  analysis: Type.Array(Outcome),
})
const AnalysedMany = Type.Object({
  results: Type.Array(Analysed, { description: 'of each sample that is here, once' }),
  not_found: Type.Array(Type.String(), { description: 'hashes of no sample here' }),
})

export function addSampleAnalysis(app: HttpServer, { appliance: { samples, reanalysis } }: RouteParts): void {
  const analyse = async (
    some: readonly Sample[],
    wanted: readonly (typeof kinds)[number][],
  ): Promise<Static<typeof Analysed>[]> => {
    const chosen = [...new Set(wanted)]
    const requested = chosen.includes('core') ? await reanalysis.request(some) : []
    const imphashes = await samples.imphashesOf(some)
    return some.map(({ id, sha1, sha256, sha512, md5 }, i) => ({
      detail: { sha1, sha256, sha512, md5, imphash: imphashes.get(id) ?? '' },
      analysis: chosen.map((name) => ({ name, ...outcomeOf(name, requested[i]) })),
    }))
  }

  for (const { url, operationId, isOlder } of [
    { url: '/api/samples/v2/analyze_bulk/', operationId: 'reanalyzeSamples', isOlder: false },
    { url: '/api/samples/analyze_bulk/', operationId: 'reanalyzeSamplesOlder', isOlder: true },
  ]) {
    app.post(
      url,
      {
        bodyLimit: LIST_BODY,
        config: { audit: about('hash_value'), access: 'account' },
        schema: {
          tags: ['samples'],
          operationId,
          summary: isOlder ? 'Match samples again (older address)' : 'Match samples again',
          description:
            'Durable when it is answered, and done in the background: until then the status of a sample is ' +
            '`processing`. Fails with 404 where none of the hashes is known.',
          consumes: forms,
          body: Type.Object({ hash_value: Hashes, analysis: Type.Optional(Kinds) }),
          response: {
            200: AnalysedMany,
            ...refusals(yaraEnvelope, { ...statuses, 404: 'None of the samples is here.' }),
          },
        },
      },
      async ({ body: { hash_value, analysis } }) => {
        const found = await samples.findMany(hash_value)
        if (found.size === 0) throw new Failure('sample.not-found')
        const some = [...new Map([...found.values()].map((sample) => [sample.id, sample])).values()]
        const not_found = [...new Set(hash_value)].filter((hash) => !found.has(hash))
        return { results: await analyse(some, isOlder ? withCore(analysis) : (analysis ?? usual)), not_found }
      },
    )
  }

  app.post(
    '/api/samples/:hash/analyze/',
    {
      config: { audit: about('hash'), access: 'account' },
      // Clients send no body where they want what is usual.
      preValidation: async (request) => {
        request.body ??= {}
      },
      schema: {
        tags: ['samples'],
        operationId: 'reanalyzeSample',
        summary: 'Match a sample again',
        description: 'Durable when it is answered, and done in the background.',
        consumes: forms,
        params: HashPath,
        body: Type.Object({ analysis: Type.Optional(Kinds) }),
        response: {
          200: Type.Object({
            code: Type.Integer({ description: 'of the first kind of analysis' }),
            message: Type.String(),
            detail: Analysed.properties.detail,
            results: Type.Array(Analysed),
          }),
          ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such sample.' }),
        },
      },
    },
    async ({ params: { hash }, body: { analysis: wanted } }) => {
      const results = await analyse([await samples.get(hash)], withCore(wanted))
      const [{ detail, analysis }] = results as [Static<typeof Analysed>]
      const { code = 200, message = 'Nothing was asked for.' } = analysis[0] ?? {}
      return { code, message, detail, results }
    },
  )
}

/** Clients of the older addresses ask for `cloud` and mean that the sample is looked at again. */
function withCore(wanted: readonly (typeof kinds)[number][] = usual): readonly (typeof kinds)[number][] {
  return wanted.includes('core') ? wanted : ['core', ...wanted]
}

/** In the vendor's words, where it has some for it. */
const outcomes: Readonly<Record<Requested, { readonly code: number; readonly message: string }>> = {
  queued: { code: 201, message: 'Sample is queued for core analysis.' },
  waiting: { code: 200, message: 'Sample is already queued for analysis.' },
  gone: { code: 410, message: 'The content of this sample is not on this appliance.' },
  'too-large': { code: 413, message: 'The sample is larger than what this appliance matches with rules.' },
}

function outcomeOf(name: (typeof kinds)[number], requested: Requested | undefined): (typeof outcomes)[Requested] {
  if (name === 'core') return outcomes[requested ?? 'waiting']
  if (name === 'cloud') return { code: 405, message: 'Cloud analysis is not configured.' }
  return { code: 405, message: 'Sandbox integration is not configured.' }
}
