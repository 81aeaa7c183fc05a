/** `/api/local-retro/`, an addition to the specification: what each run of Local Retro did, and how far it is. */
import type { Static } from 'typebox'
import type { LocalRetroRun } from '../../hunts/index.ts'
import { toIso } from '../../store/index.ts'
import { type RetroRunShape, RetroRunsShape } from '../contract/retro.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

export function addRetroRuns(app: HttpServer, { appliance: { localRetro } }: RouteParts): void {
  app.get(
    '/api/local-retro/',
    {
      config: { access: 'account' },
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
    started: toIso(run.started),
    stopped: toIso(run.stopped),
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
