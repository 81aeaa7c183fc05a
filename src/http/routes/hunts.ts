/** Ad-hoc hunts, an addition to the specification: make, list, follow, cancel and remove them. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { type Static, Type } from 'typebox'
import type { Account } from '../../accounts/index.ts'
import type { AdHocHunts, Explanation, Hunt } from '../../hunts/index.ts'
import { offsetOf, toIso } from '../../store/index.ts'
import type { Span } from '../../tracing/index.ts'
import { neighbours } from '../addresses.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { TEXT_BODY } from '../body-bounds.ts'
import {
  ExplanationShape,
  HuntComparisonShape,
  HuntRulesShape,
  HuntShape,
  MadeHuntShape,
  SelectedShape,
  SelectionShape,
} from '../contract/hunts.ts'
import { Paging } from '../contract/paging.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import { pageOf } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { spanOf } from '../tracing.ts'
import { diagnosticJson, leftOutJson } from './diagnostic-json.ts'
import { hitOf } from './hunt-hits.ts'
import { HuntPath, huntRequest, RulesShape, selectionJson, selectionOf } from './hunt-requests.ts'

const unauthenticated = 'No token, or an unknown one.'
const unknown = 'There is no such hunt.'
const foreign = `${unauthenticated} Or the hunt belongs to another user.`

const HuntRequestShape = Type.Object(huntRequest)

export function addHunts(app: HttpServer, { appliance: { adHocHunts, explain, room } }: RouteParts): void {
  // A server that stops must not wait for listeners; they come again when it is back.
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())

  app.post(
    '/api/hunts/',
    {
      config: { audit: about('title'), access: 'account' },
      bodyLimit: TEXT_BODY,
      schema: {
        tags: ['hunts'],
        operationId: 'createHunt',
        summary: 'Hunt with YARA texts over the stored samples',
        body: HuntRequestShape,
        response: {
          201: MadeHuntShape,
          ...refusals(yaraEnvelope, {
            400: 'The rules do not compile (detail.diagnostics says where and why), they would read more than `most_read` (detail.rules says which), or a parameter is not in its range.',
            403: unauthenticated,
          }),
        },
      },
    },
    async (request, reply) => {
      return reply
        .code(201)
        .send(await createHunt(adHocHunts, callerOf(request), request.body, goneSignal(reply), spanOf(request)))
    },
  )

  app.get(
    '/api/hunts/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['hunts'],
        operationId: 'listHunts',
        summary: 'List hunts, newest first',
        querystring: Type.Object({ type: Type.Enum(['my', 'all'], { default: 'my' }), ...Paging }),
        response: {
          200: Type.Object({
            count: Type.Integer(),
            next: Type.Union([Type.String(), Type.Null()]),
            previous: Type.Union([Type.String(), Type.Null()]),
            results: Type.Array(HuntShape),
          }),
          ...refusals(yaraEnvelope, { 400: 'A parameter is not in its range.', 403: unauthenticated }),
        },
      },
    },
    async (request) => {
      const page = pageOf(request.query)
      const { type } = request.query
      const { count, results } = await adHocHunts.list(type === 'my' ? callerOf(request) : null, {
        offset: (page.number - 1) * page.size,
        limit: page.size,
      })
      // Refuses a page past the last one.
      offsetOf(page, count)
      return { count, ...neighbours(request, page, count, [['type', type]]), results: results.map(huntJson) }
    },
  )

  app.get(
    '/api/hunts/:id/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['hunts'],
        operationId: 'getHunt',
        summary: 'Tell the state of a hunt',
        params: HuntPath,
        response: { 200: HuntShape, ...refusals(yaraEnvelope, { 403: unauthenticated, 404: unknown }) },
      },
    },
    async ({ params: { id } }) => huntJson(await adHocHunts.get(id)),
  )

  app.patch(
    '/api/hunts/:id/',
    {
      config: { audit: about('id', 'title'), access: { right: 'hunts.change-any', orOwner: true } },
      schema: {
        tags: ['hunts'],
        operationId: 'renameHunt',
        summary: 'Give a hunt another title',
        params: HuntPath,
        body: Type.Object({ title: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]) }),
        response: {
          200: HuntShape,
          ...refusals(yaraEnvelope, { 400: 'A parameter is not in its range.', 403: foreign, 404: unknown }),
        },
      },
    },
    async (request) =>
      huntJson(await adHocHunts.rename(callerOf(request), request.params.id, request.body.title || null)),
  )

  app.post(
    '/api/hunts/:id/again/',
    {
      config: { audit: about('id'), access: 'account' },
      schema: {
        tags: ['hunts'],
        operationId: 'repeatHunt',
        summary: 'Hunt again with the texts and the selection of a hunt, over what is stored now',
        params: HuntPath,
        response: { 201: HuntShape, ...refusals(yaraEnvelope, { 403: unauthenticated, 404: unknown }) },
      },
    },
    async (request, reply) =>
      reply.code(201).send(huntJson(await adHocHunts.again(callerOf(request), request.params.id))),
  )

  app.get(
    '/api/hunts/:id/comparison/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['hunts'],
        operationId: 'compareHunt',
        summary: 'Compare what a hunt found with the hunt before it',
        params: HuntPath,
        response: {
          200: Type.Object({ comparison: Type.Union([HuntComparisonShape, Type.Null()]) }),
          ...refusals(yaraEnvelope, { 403: unauthenticated, 404: unknown }),
        },
      },
    },
    async ({ params: { id } }) => ({ comparison: await adHocHunts.comparison(id) }),
  )

  app.get(
    '/api/hunts/:id/rules/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['hunts'],
        operationId: 'getHuntRules',
        summary: 'Get the texts that a hunt hunts with',
        params: HuntPath,
        response: { 200: HuntRulesShape, ...refusals(yaraEnvelope, { 403: unauthenticated, 404: unknown }) },
      },
    },
    async ({ params: { id } }) => {
      const texts = await adHocHunts.texts(id)
      return {
        results: texts.map(({ leftOut = [], ...text }) => ({ ...text, left_out: leftOut.map(leftOutJson) })),
      }
    },
  )

  app.get(
    '/api/hunts/:id/events/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['hunts'],
        operationId: 'followHunt',
        summary: 'Follow a hunt by server-sent events',
        description:
          'Events `hits` (an array as in the results) and `progress` (the hunt), until `end` (the hunt once more).',
        params: HuntPath,
        produces: ['text/event-stream'],
        response: {
          200: Type.Unsafe<unknown>({ type: 'string', description: 'text/event-stream' }),
          ...refusals(yaraEnvelope, { 403: unauthenticated, 404: unknown }),
        },
      },
    },
    async (request, reply) => {
      await adHocHunts.get(request.params.id)
      const signal = AbortSignal.any([goneSignal(reply), stopping.signal])
      return reply
        .type('text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(Readable.from(withHeartbeat(events(request.params.id, signal), signal)))
    },
  )

  async function* events(id: number, signal: AbortSignal): AsyncGenerator<string> {
    let latest: object = {}
    for await (const { hunt, hits } of adHocHunts.follow(id, signal)) {
      latest = huntJson(hunt)
      if (hits.length > 0) yield event('hits', hits.map(hitOf))
      yield event('progress', latest)
    }
    // A stream that is cut because the server stops has not seen the end: the hunt goes on after the next start.
    if (!signal.aborted) yield event('end', latest)
  }

  app.post(
    '/api/hunts/:id/cancel/',
    {
      config: { audit: about('id'), access: { right: 'hunts.change-any', orOwner: true } },
      schema: {
        tags: ['hunts'],
        operationId: 'cancelHunt',
        summary: 'Cancel a hunt; what it found stays',
        params: HuntPath,
        response: {
          200: HuntShape,
          ...refusals(yaraEnvelope, { 403: foreign, 404: unknown, 409: 'The hunt has ended already.' }),
        },
      },
    },
    async (request) => huntJson(await room.lend(() => adHocHunts.cancel(callerOf(request), request.params.id))),
  )

  app.delete(
    '/api/hunts/:id/',
    {
      config: { audit: about('id'), access: { right: 'hunts.change-any', orOwner: true } },
      schema: {
        tags: ['hunts'],
        operationId: 'removeHunt',
        summary: 'Remove a hunt with its results',
        params: HuntPath,
        response: { 204: Type.Null(), ...refusals(yaraEnvelope, { 403: foreign, 404: unknown }) },
      },
    },
    async (request, reply) => {
      await room.lend(() => adHocHunts.remove(callerOf(request), request.params.id))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/hunts/selection/',
    {
      config: { onlyReads: true, audit: 'nothing to tell', access: 'account' },
      bodyLimit: TEXT_BODY,
      schema: {
        tags: ['hunts'],
        operationId: 'measureSelection',
        summary: 'Tell how many samples a selection has, and their bytes',
        body: Type.Object({ selection: SelectionShape }),
        response: {
          200: SelectedShape,
          ...refusals(yaraEnvelope, { 400: 'A parameter is not in its range.', 403: unauthenticated }),
        },
      },
    },
    async (request) => adHocHunts.measure(selectionOf(request.body.selection)),
  )

  app.post(
    '/api/hunts/explain/',
    {
      config: { audit: 'nothing to tell', access: 'account' },
      bodyLimit: TEXT_BODY,
      schema: {
        tags: ['hunts'],
        operationId: 'explainRules',
        summary: 'Tell what hunting with YARA texts would read',
        body: Type.Object({ rules: RulesShape, partial: huntRequest.partial, selection: huntRequest.selection }),
        response: {
          200: ExplanationShape,
          ...refusals(yaraEnvelope, { 400: 'The rules do not compile.', 403: unauthenticated }),
        },
      },
    },
    async (request, reply) => {
      const { rules, partial = false, selection = {} } = request.body
      const how = { partial, selection: selectionOf(selection), group: groupOf(callerOf(request)) }
      return explanationJson(await explain(rules, goneSignal(reply), how))
    },
  )
}

/** Texts of a user are checked in turns with those of others. */
export const groupOf = ({ id }: Account): string => `user:${id}`

/** Makes a hunt as it was asked for on the wire, unless its client hangs up while the texts are checked. */
export async function createHunt(
  adHocHunts: AdHocHunts,
  caller: Account,
  { rules, title, selection, index, partial, most_read, costly, repeats }: Static<typeof HuntRequestShape>,
  signal: AbortSignal,
  cause: Span | null = null,
): Promise<Static<typeof MadeHuntShape>> {
  const asked = {
    texts: rules,
    selection: selectionOf(selection ?? {}),
    useIndex: index ?? true,
    title: title ?? null,
    partial: partial ?? false,
    ...(most_read !== undefined && { bound: { bytes: most_read, costly: costly ?? 'refuse' } }),
    ...(repeats !== undefined && { repeats }),
    cause,
  }
  const hunt = await adHocHunts.create(caller, asked, signal)
  const warnings = hunt.warnings.map(({ text, ...diagnostic }) => ({ text, ...diagnosticJson(diagnostic) }))
  return { ...huntJson(hunt), warnings }
}

export function explanationJson({ corpus, texts }: Explanation): Static<typeof ExplanationShape> {
  return {
    corpus,
    texts: texts.map(({ name, warnings, leftOut, expected, rules }) => ({
      name,
      left_out: leftOut.map(leftOutJson),
      warnings: warnings.map(diagnosticJson),
      expected,
      rules: rules.map(({ isPrivate, unindexable, advice, ...rule }) => ({
        ...rule,
        private: isPrivate,
        unindexable: [...unindexable],
        advice: [...advice],
      })),
    })),
  }
}

export function huntJson(hunt: Hunt): Static<typeof HuntShape> {
  return {
    id: hunt.id,
    title: hunt.title,
    state: hunt.state,
    user: hunt.user,
    rules: hunt.outline.names.map((name) => ({ name })),
    rules_count: hunt.outline.texts,
    selection: selectionJson(hunt.outline.selection),
    selection_hashes: hunt.outline.hashes,
    index: hunt.useIndex,
    repeats: hunt.repeats,
    created: toIso(hunt.created),
    started: toIso(hunt.started),
    stopped: toIso(hunt.stopped),
    samples: hunt.samples,
    processed: hunt.processed,
    candidates: hunt.candidates,
    scanned_bytes: hunt.scannedBytes,
    skipped: hunt.skipped,
    matches: hunt.matches,
    milliseconds_left: hunt.timeLeft,
    failure: hunt.failure,
    left_out: hunt.outline.leftOut.map((one) => ({ text: one.text, ...leftOutJson(one) })),
    left_out_count: hunt.outline.allLeftOut,
  }
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

const HEARTBEAT_MS = 15_000

/** Comments in between, so that proxies keep a silent stream open. Ends quietly when the signal is aborted. */
async function* withHeartbeat(messages: AsyncGenerator<string>, signal: AbortSignal): AsyncGenerator<string> {
  const gone = once(signal, 'abort').then(() => ({ done: true, value: '' }) as const)
  let next = messages.next()
  try {
    for (;;) {
      const beat = Promise.withResolvers<null>()
      const timer = setTimeout(() => beat.resolve(null), HEARTBEAT_MS)
      const first = await Promise.race([next, gone, beat.promise])
      clearTimeout(timer)
      if (first === null) yield ': still here\n\n'
      else if (first.done) return
      else {
        yield first.value
        next = messages.next()
      }
    }
  } finally {
    // The pending step ends by the signal, or is not waited for by anyone.
    next.catch(() => {})
  }
}
