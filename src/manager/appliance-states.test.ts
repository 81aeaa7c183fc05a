import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplianceReport } from '../manager-protocol/index.ts'
import { stateOf } from './appliance-states.ts'

const report: ApplianceReport = {
  ...{ sequence: 3, digest: 'd', rulesets: 1, waiting: 0, engine: 'e', version: 'v', problem: '' },
  ...{ out_of_sync: [], invalid: [] },
}
const appliance = { disabled: false, lastSeen: 1_000 }
const clock = { time: 2_000, away: 5_000 }
const shared = { digest: 'd', count: 1 }

test('an appliance has the first state that fits', () => {
  const cases = [
    ['InSync', appliance, report, shared],
    ['OutOfSync', appliance, { ...report, digest: 'other' }, shared],
    ['Error', appliance, { ...report, digest: 'other', problem: 'why' }, shared],
    ['NoRules', appliance, { ...report, digest: 'none', rulesets: 0 }, { digest: 'none', count: 0 }],
    ['OutOfSync', appliance, { ...report, digest: 'none', rulesets: 0 }, shared],
    ['PendingNew', { ...appliance, lastSeen: null }, null, shared],
    ['PendingNew', appliance, null, shared],
    ['Unavailable', { ...appliance, lastSeen: -4_000 }, { ...report, problem: 'why' }, shared],
    ['Disabled', { disabled: true, lastSeen: null }, null, shared],
    ['Disabled', { disabled: true, lastSeen: 1_000 }, report, shared],
  ] as const
  for (const [state, of, says, set] of cases) assert.equal(stateOf(of, says, set, clock), state)
})
