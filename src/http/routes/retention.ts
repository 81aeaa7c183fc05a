/** Retention, an addition to the specification: which samples are deleted by themselves. */
import type { Static } from 'typebox'
import { changeInWords, type RetentionPolicy, type RetentionRun } from '../../retention/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { RetentionBody, RetentionPreviewShape, RetentionShape } from '../contract/retention.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import { demandSome } from '../problems.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { sampleJson } from './sample-shapes.ts'

const access = { access: 'retention.manage' } as const
const statuses = { 400: 'A query is malformed, or a parameter is not in its range.' }
const forbidden = { 403: 'No token, or an unknown one, or not an administrator’s.' }

export function addRetention(app: HttpServer, { appliance: { retention, room } }: RouteParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['operation'], operationId, summary })
  const state = async (): Promise<Static<typeof RetentionShape>> => ({
    ...policyJson(await retention.policy()),
    last_run: runJson(retention.last),
  })
  const changed = async (body: Static<typeof RetentionBody>): Promise<RetentionPolicy> => {
    demandSome(body, RetentionBody.properties)
    return policyOf({ ...policyJson(await retention.policy()), ...body })
  }

  app.get(
    '/api/retention/',
    {
      config: access,
      schema: {
        ...describe('getRetention', 'Tell which samples are deleted by themselves, and what the latest run did'),
        response: { 200: RetentionShape, ...refusals(yaraEnvelope, forbidden) },
      },
    },
    state,
  )

  app.post(
    '/api/retention/',
    {
      config: { ...access, audit: ({ body }) => changeInWords(body as Static<typeof RetentionBody>) },
      schema: {
        ...describe('setRetention', 'Say which samples are deleted by themselves'),
        description: 'What is left out stays as it is. Samples go from the next run on.',
        body: RetentionBody,
        response: { 200: RetentionShape, ...refusals(yaraEnvelope, { ...statuses, ...forbidden }) },
      },
    },
    async (request) => {
      const policy = await changed(request.body)
      await room.lend(() => retention.setPolicy(policy))
      return state()
    },
  )

  app.post(
    '/api/retention/preview/',
    {
      config: { ...access, onlyReads: true, audit: 'nothing to tell' },
      schema: {
        ...describe('previewRetention', 'Tell what would be deleted, and delete nothing'),
        description: 'Of what is set, with what the request says in its place; whether it is turned on or not.',
        body: RetentionBody,
        response: { 200: RetentionPreviewShape, ...refusals(yaraEnvelope, { ...statuses, ...forbidden }) },
      },
    },
    async (request, reply) => {
      const { oldest, newest, examples, ...counts } = await retention.preview(
        await changed(request.body),
        goneSignal(reply),
      )
      return {
        ...counts,
        oldest: toIso(oldest),
        newest: toIso(newest),
        examples: examples.map(sampleJson),
      }
    },
  )

  app.post(
    '/api/retention/run/',
    {
      config: { ...access, audit: about() },
      schema: {
        ...describe('runRetention', 'Delete now what is to be deleted, in the background'),
        response: {
          202: RetentionShape,
          ...refusals(yaraEnvelope, { ...statuses, ...forbidden, 409: 'Retention is turned off.' }),
        },
      },
    },
    async (_request, reply) => {
      await retention.begin()
      return reply.code(202).send(await state())
    },
  )
}

function policyJson({
  enabled,
  rules,
  maxBytes,
  keep,
  keepMatched,
}: RetentionPolicy): Required<Static<typeof RetentionBody>> {
  return { enabled, rules: [...rules], max_bytes: maxBytes, keep, keep_matched: keepMatched }
}

/** Field by field: a request may have others, which nobody is to store. */
function policyOf(body: Required<Static<typeof RetentionBody>>): RetentionPolicy {
  return {
    enabled: body.enabled,
    rules: body.rules.map(({ days, query }) => ({ days, query })),
    maxBytes: body.max_bytes,
    keep: body.keep,
    keepMatched: body.keep_matched,
  }
}

function runJson(run: RetentionRun | null): Static<typeof RetentionShape>['last_run'] {
  return run && { ...run, started: toIso(run.started), ended: toIso(run.ended) }
}
