/** Local Retro and Cloud Retro on the wire. */
import { Type } from 'typebox'
import { TimeOrNull } from './times.ts'

export const RetroRunShape = Type.Object({
  id: Type.Integer(),
  state: Type.Enum(['STARTING', 'RUNNING', 'COMPLETED', 'STOPPED']),
  started: TimeOrNull,
  stopped: TimeOrNull,
  started_by: Type.String(),
  stopped_by: Type.Union([Type.String(), Type.Null()]),
  rulesets: Type.Integer({ description: 'enabled at the start' }),
  samples: Type.Integer({ description: 'samples that the run covers' }),
  processed: Type.Integer({ description: 'how many of them are decided' }),
  candidates: Type.Integer({
    description:
      'pairs of sample and ruleset that the index could not rule out, and that were not scanned in vain before',
  }),
  scanned_bytes: Type.Integer(),
  skipped: Type.Integer({ description: 'samples above the size limit' }),
  matches: Type.Integer({ description: 'matches that were new' }),
  milliseconds_left: Type.Union([Type.Integer(), Type.Null()]),
  failure: Type.Union([Type.String(), Type.Null()]),
})

export const RetroRunsShape = Type.Object({
  results: Type.Array(RetroRunShape, { description: 'newest first; the first may still be running' }),
})

export const statusFields = {
  cloud_status: Type.Enum(['ERROR', 'ACTIVE', 'DISABLED', 'DELETED', 'PENDING', 'INVALID', 'CAPPED']),
  scale_status: Type.Enum(['ERROR', 'ACTIVE', 'DISABLED', 'DELETED', 'PENDING', 'INVALID', 'CAPPED']),
  retrohunt_status: Type.Enum(['IDLE', 'VALIDATING', 'ERROR', 'READY', 'RUNNING', 'COMPLETE', 'CANCELLED', 'CLEARED']),
  retrohunt_start_time: TimeOrNull,
  retrohunt_finish_time: TimeOrNull,
  retrohunt_estimated_finish_time: TimeOrNull,
  retrohunt_progress: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()]),
}

export const CloudStatusShape = Type.Object(statusFields)
