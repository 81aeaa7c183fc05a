/** What is done with many chosen samples at once: additions to the specification. Deleting them is the vendor's. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { about } from '../auditing.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { COMMAS } from '../validation.ts'

const Hashes = Type.Array(Type.String(), {
  minItems: 1,
  maxItems: 10_000,
  [COMMAS]: true,
  description: 'of any kind',
})
const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  maxItems: 100,
  default: [],
  [COMMAS]: true,
  description: 'a comma separates two tags',
})
const Changed = Type.Object({
  changed: Type.Integer(),
  not_found: Type.Array(Type.String(), { description: 'hashes of no sample here' }),
})

const statuses = { 400: 'A parameter is malformed.', 403: 'No token, or an unknown one.' }
/** Samples of one zip, which is packed before it is sent. */
const MOST_PACKED = 1_000

export function addSampleSelections(app: HttpServer, { appliance: { samples } }: RouteParts): void {
  /** Does something with each sample that is here. */
  async function withEach(
    hashes: readonly string[],
    change: (sha1: string) => Promise<unknown>,
  ): Promise<Static<typeof Changed>> {
    const found = await samples.findMany(hashes)
    const chosen = new Set([...found.values()].map(({ sha1 }) => sha1))
    for (const sha1 of chosen) await change(sha1)
    return { changed: chosen.size, not_found: hashes.filter((hash) => !found.has(hash)) }
  }

  app.post(
    '/api/samples/selection/tags/',
    {
      config: { audit: about('hash_values'), access: 'account' },
      bodyLimit: LIST_BODY,
      schema: {
        tags: ['samples'],
        operationId: 'tagSamples',
        summary: 'Add tags to samples, or remove them',
        body: Type.Object({ hash_values: Hashes, add: Tags, remove: Tags }),
        response: { 200: Changed, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ body: { hash_values, add, remove } }) =>
      withEach(hash_values, async (sha1) => {
        if (remove.length > 0) await samples.removeTags(sha1, remove)
        await samples.addTags(sha1, add)
      }),
  )

  app.post(
    '/api/samples/selection/classification/',
    {
      config: { audit: about('hash_values'), access: 'account' },
      bodyLimit: LIST_BODY,
      schema: {
        tags: ['samples'],
        operationId: 'classifySamples',
        summary: 'Classify samples, or take an own classification back',
        body: Type.Object({
          hash_values: Hashes,
          classification: Type.Union([Type.Enum(['goodware', 'suspicious', 'malicious']), Type.Null()], {
            description: 'null: back to what the rules say',
          }),
          threat_name: Type.Optional(
            Type.String({
              maxLength: 100,
              pattern: '^[A-Za-z0-9._-]{0,100}$',
              description: 'up to 100 letters, digits, dots, underscores or hyphens',
            }),
          ),
        }),
        response: { 200: Changed, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ body: { hash_values, classification, threat_name } }) =>
      withEach(hash_values, (sha1) =>
        classification === null
          ? samples.unclassify(sha1)
          : samples.classify(sha1, {
              classification: classification === 'goodware' ? 1 : classification === 'suspicious' ? 2 : 3,
              threatName: classification === 'goodware' ? null : threat_name || null,
            }),
      ),
  )

  app.post(
    '/api/samples/selection/download/',
    {
      config: { audit: about('hash_values'), access: 'account', onlyReads: true },
      bodyLimit: LIST_BODY,
      schema: {
        tags: ['samples'],
        operationId: 'downloadSamplesAsZip',
        summary: 'Download samples as one zip with the password "infected"',
        body: Type.Object({ hash_values: Hashes }),
        produces: ['application/zip'],
        response: {
          200: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }),
          ...refusals(yaraEnvelope, {
            ...statuses,
            404: 'There is no such sample.',
            410: 'A content can no longer be read.',
          }),
        },
      },
    },
    async ({ body: { hash_values } }, reply) => {
      if (hash_values.length > MOST_PACKED) {
        throw new Failure('parameter.out-of-range', `A zip holds at most ${MOST_PACKED} samples; choose fewer.`)
      }
      const zip = await samples.zip(hash_values, goneSignal(reply))
      return reply
        .type('application/zip')
        .header('content-disposition', 'attachment; filename="samples.zip"')
        .header('content-security-policy', "default-src 'none'; sandbox")
        .send(zip)
    },
  )
}
