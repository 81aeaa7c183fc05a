/** `/api/local-retro/`, an addition to the specification: what each run of Local Retro did, and how far it is. */
import { type Static, Type } from 'typebox'
import type { LocalRetroRun } from '../../hunts/index.ts'
import { toIso } from '../../store/index.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const Time = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])

export const RetroRunShape = Type.Object({
  id: Type.Integer(),
  state: Type.Enum(['STARTING', 'RUNNING', 'COMPLETED', 'STOPPED']),
  started: Time,
  stopped: Time,
  started_by: Type.String(),
  stopped_by: Type.Union([Type.String(), Type.Null()]),
  rulesets: Type.Integer({ description: 'enabled at the start' }),
  samples: Type.Integer({ description: 'samples that the run covers' }),
  processed: Type.Integer({ description: 'how many of them are decided' }),
  candidates: Type.Integer({ description: 'pairs of sample and ruleset that the index could not rule out' }),
  scanned_bytes: Type.Integer(),
  skipped: Type.Integer({ description: 'samples above the size limit' }),
  matches: Type.Integer({ description: 'matches that were new' }),
  milliseconds_left: Type.Union([Type.Integer(), Type.Null()]),
  failure: Type.Union([Type.String(), Type.Null()]),
})

export const RetroRunsShape = Type.Object({
  results: Type.Array(RetroRunShape, { description: 'newest first; the first may still be running' }),
})

export function addRetroRuns(app: HttpServer, { appliance: { localRetro } }: RouteParts): void {
  app.get(
    '/api/local-retro/',
    {
      schema: {
        tags: ['retro'],
        operationId: 'listLocalRetroRuns',
        summary: 'List the runs of Local Retro with what the index decided and what was scanned',
        response: { 200: RetroRunsShape, ...refusals(yaraEnvelope, { 403: 'No token, or an unknown one.' }) },
      },
    },
    async () => ({ results: ((await localRetro.status())?.history ?? []).map(toJson) }),
  )
}

function toJson(run: LocalRetroRun): Static<typeof RetroRunShape> {
  return {
    id: run.id,
    state: run.state,
    started: run.started === null ? null : toIso(run.started),
    stopped: run.stopped === null ? null : toIso(run.stopped),
    started_by: run.startedBy,
    stopped_by: run.stoppedBy,
    rulesets: run.rulesets,
    samples: run.samples,
    processed: run.processed,
    candidates: run.candidates,
    scanned_bytes: run.scannedBytes,
    skipped: run.skipped,
    matches: run.matches,
    milliseconds_left: run.timeLeft,
    failure: run.failure,
  }
}
