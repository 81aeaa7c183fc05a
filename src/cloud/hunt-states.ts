/**
 * A Cloud Retro's states, derived from the names of the cloud's protocol.
 *
 * IDLE: no hunt asked for, and nothing known. VALIDATING: the cloud finds out whether it can hunt with the text.
 * READY: it can, and did not yet. RUNNING → COMPLETE, or CANCELLED after STOP, or ERROR. CLEARED after CLEAR.
 */
import type { CloudRuleset, CloudRulesetChange, Micros, RetroState } from '../store/index.ts'
import { fromPlainTime } from '../tca/index.ts'
import type { RetroStatusJson } from './client.ts'

const states: Readonly<Record<string, RetroState>> = {
  VALIDATING: 'VALIDATING',
  VALIDATION_SUCCESS: 'READY',
  RUNNING: 'RUNNING',
  FINISHED: 'COMPLETE',
  CAPPED: 'COMPLETE',
  CANCELLED: 'CANCELLED',
  FAILED: 'ERROR',
}

/** Null for a state that this side does not know. */
export function retroStateOf({ retro_status }: RetroStatusJson): RetroState | null {
  const status = retro_status.toUpperCase()
  const known = states[status]
  if (known) return known
  // The vendor's list of states is not public; these words say what they mean.
  if (/FAIL|ERROR|INVALID/.test(status)) return 'ERROR'
  if (/CANCEL|STOPPED/.test(status)) return 'CANCELLED'
  if (/FINISH|COMPLETE|DONE/.test(status)) return 'COMPLETE'
  if (/RUN|PROGRESS|STARTED/.test(status)) return 'RUNNING'
  return /VALIDAT|PENDING|QUEUED/.test(status) ? 'VALIDATING' : null
}

/** The state after a status of the cloud: what changes of the row, or null when the row knows better or as much. */
export function afterStatus(row: CloudRuleset, answer: RetroStatusJson): CloudRulesetChange | null {
  const state = retroStateOf(answer)
  if (state === null) return null
  const started = microsOf(answer.start_time)
  const isOver = state === 'COMPLETE' || state === 'CANCELLED' || state === 'ERROR'
  const was = row.retroState
  // What the cloud still reports of a hunt that was ended or cleared here.
  const isOld = isOver && was !== state && !isLater(started, row)
  if (isOld && (was === 'CLEARED' || was === 'COMPLETE' || was === 'CANCELLED')) return null
  // Validated again after it was out of the cloud: the hunt that ended here stays what it was.
  if ((state === 'READY' || state === 'VALIDATING') && was !== 'IDLE' && was !== 'VALIDATING' && was !== 'RUNNING') {
    return null
  }
  // The cloud knows nothing of the hunt any more.
  if (state === 'READY' && was === 'RUNNING')
    return { retroState: 'CANCELLED', retroProgress: null, retroEstimated: null }
  if (state === 'VALIDATING' && was === 'RUNNING') return null
  return {
    retroState: state,
    retroStarted: started,
    retroFinished: microsOf(answer.finish_time),
    retroEstimated: state === 'RUNNING' ? microsOf(answer.estimated_finish_time) : null,
    retroProgress: state === 'RUNNING' ? progressOf(answer) : null,
    retroReason: state === 'ERROR' ? (answer.reason ?? 'The cloud gave no reason.') : null,
    retroCapped: answer.retro_status.toUpperCase() === 'CAPPED',
  }
}

function isLater(started: Micros | null, { retroStarted }: CloudRuleset): boolean {
  return started !== null && (retroStarted === null || started > retroStarted)
}

/** Seconds at which a hunt ended, by the cloud's clock; null where it is unknown. */
export function finishSecondOf({ finish_time }: RetroStatusJson): number | null {
  return finish_time ? secondsOf(finish_time) : null
}

function microsOf(time: string | null | undefined): Micros | null {
  const seconds = time ? secondsOf(time) : null
  return seconds === null ? null : seconds * 1_000_000
}

/** UTC, with or without a fraction and a zone: what was seen has neither. */
function secondsOf(time: string): number | null {
  return fromPlainTime(time.replace(/(?:\.\d+)?(?:Z|\+00:?00)?$/, '').replace(' ', 'T'))
}

function progressOf({ progress }: RetroStatusJson): number | null {
  return typeof progress === 'number' ? Math.min(1, Math.max(0, progress)) : null
}
