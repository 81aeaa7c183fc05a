import { type Static, Type } from 'typebox'
import type { LocalRetroRun } from '../../hunts/index.ts'
import { toIsoOffset } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { refusals, retroEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

/** The one status table that all endpoints of the Retro page share. */
export const retroStatuses = {
  400: 'The operation is missing or not one of the accepted values.',
  403: 'No token, or an unknown one, or the ruleset belongs to another user.',
  404: 'There is no such ruleset.',
  412: 'Wrong state for this operation.',
  424: 'An underlying call failed.',
  428: 'Not connected to Spectra Intelligence, or Cloud Retro is not enabled.',
} as const

const Time = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])
const Run = Type.Object({
  started_username: Type.Union([Type.String(), Type.Null()]),
  started: Time,
  stopped_username: Type.Union([Type.String(), Type.Null()]),
  state: Type.String(),
  stopped: Time,
  samples: Type.Integer(),
})

/** `/api/uploads/local-retro-hunt/`: all enabled rulesets against all stored samples. */
export function addLocalRetro(app: HttpServer, { appliance: { localRetro, room } }: RouteParts): void {
  app.post(
    '/api/uploads/local-retro-hunt/',
    {
      config: {
        audit: about('operation'),
        access: 'account',
        envelope: retroEnvelope,
        invalid: 'retro.operation-invalid',
      },
      schema: {
        tags: ['retro'],
        operationId: 'operateLocalRetro',
        summary: 'Start or stop Local Retro',
        consumes: ['multipart/form-data', 'application/x-www-form-urlencoded', 'application/json'],
        body: Type.Object({ operation: Type.Enum(['START', 'STOP']) }),
        response: {
          200: Type.Object({
            success: Type.Literal(true),
            message: Type.Null(),
            status: Type.Object({ state: Type.Enum(['STARTING', 'STOPPED']) }),
          }),
          ...refusals(retroEnvelope, retroStatuses),
        },
      },
    },
    async (request) => {
      const isStart = request.body.operation === 'START'
      const caller = callerOf(request)
      await (isStart ? localRetro.start(caller) : room.lend(() => localRetro.stop(caller)))
      return { success: true as const, message: null, status: { state: isStart ? 'STARTING' : 'STOPPED' } as const }
    },
  )

  app.get(
    '/api/uploads/local-retro-hunt/',
    {
      config: { access: 'account', envelope: retroEnvelope },
      schema: {
        tags: ['retro'],
        operationId: 'getLocalRetro',
        summary: 'Tell the state of Local Retro',
        response: {
          200: Type.Object({
            success: Type.Literal(true),
            message: Type.Union([Type.String(), Type.Null()]),
            status: Type.Union([
              Type.Object({
                state: Type.String(),
                started: Time,
                stopped: Time,
                samples: Type.Integer(),
                processed: Type.Integer(),
                history: Type.Array(Run, { description: 'newest first, the latest run included' }),
              }),
              Type.Null(),
            ]),
          }),
          ...refusals(retroEnvelope, retroStatuses),
        },
      },
    },
    async () => {
      const status = await localRetro.status()
      if (!status) return { success: true as const, message: null, status: null }
      return {
        success: true as const,
        // Why a hunt could not go on: the specification has no state for that, but it has this place.
        message: status.failure,
        status: {
          state: status.state,
          started: toIsoOffset(status.started),
          stopped: toIsoOffset(status.stopped),
          samples: status.samples,
          processed: status.processed,
          history: status.history.map(listed),
        },
      }
    },
  )
}

function listed(run: LocalRetroRun): Static<typeof Run> {
  return {
    started_username: run.startedBy,
    started: toIsoOffset(run.started),
    stopped_username: run.stoppedBy,
    state: run.state,
    stopped: toIsoOffset(run.stopped),
    samples: run.samples,
  }
}
