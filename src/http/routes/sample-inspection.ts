/** A sample's bytes, the strings of its matches, its entropy: additions to the specification, for looking into it. */
import { Type } from 'typebox'
import { checkName } from '../../rulesets/index.ts'
import { about } from '../auditing.ts'
import { EntropyShape, MatchedStringsShape } from '../contract/samples.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import { HashPath, RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const statuses = {
  400: 'The hash or a parameter is malformed.',
  403: 'No token, or an unknown one.',
  404: 'There is no such sample.',
  410: 'Its content can no longer be read.',
}
const MOST_BYTES = 65_536

export function addSampleInspection(app: HttpServer, { appliance: { samples, inspection } }: RouteParts): void {
  app.get(
    '/api/samples/:hash/strings/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'findMatchedStrings',
        summary: 'Find the strings by which a ruleset matches a sample, by scanning it again',
        params: HashPath,
        querystring: Type.Object({ ruleset: RulesetName }),
        response: {
          200: MatchedStringsShape,
          ...refusals(yaraEnvelope, { ...statuses, 404: 'There is no such sample or ruleset.' }),
        },
      },
    },
    async ({ params: { hash }, query: { ruleset } }, reply) => {
      checkName(ruleset, 'ruleset.name-invalid')
      const { rules, trouble } = await inspection.strings(hash, ruleset, goneSignal(reply))
      return {
        rules: rules.map(({ rule, tags, strings }) => ({ rule, tags: [...tags], strings: [...strings] })),
        trouble,
      }
    },
  )

  app.get(
    '/api/samples/:hash/entropy/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'measureEntropy',
        summary: 'Measure the entropy along a sample',
        params: HashPath,
        querystring: Type.Object({ slices: Type.Integer({ minimum: 1, maximum: 4_096, default: 512 }) }),
        response: { 200: EntropyShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ params: { hash }, query: { slices } }, reply) => {
      const { size, bits } = await inspection.entropy(hash, slices, goneSignal(reply))
      return { size, bits: Array.from(bits, (value) => Math.round(value * 1_000) / 1_000) }
    },
  )

  app.get(
    '/api/samples/:hash/bytes/',
    {
      config: { audit: about('hash'), access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'readSampleBytes',
        summary: 'Read some bytes of a sample',
        description: 'Always octets for a program to show, never a page; empty behind the end of the sample.',
        params: HashPath,
        querystring: Type.Object({
          offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 }),
          length: Type.Integer({ minimum: 1, maximum: MOST_BYTES, default: 4_096 }),
        }),
        produces: ['application/octet-stream'],
        response: {
          200: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async ({ params: { hash }, query: { offset, length } }, reply) => {
      const { content } = await samples.content(hash, { start: offset, end: offset + length - 1 })
      return reply
        .type('application/octet-stream')
        .header('content-disposition', 'attachment; filename="bytes"')
        .header('content-security-policy', "default-src 'none'; sandbox")
        .send(content.stream)
    },
  )
}
