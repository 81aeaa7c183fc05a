import type { Appliance, SharedRuleset } from '../api/sharing.ts'
import { Badge, type Tone } from './badge.tsx'

const tones = {
  InSync: 'goodware',
  NoRules: 'goodware',
  Publishing: 'information',
  PendingNew: 'information',
  OutOfSync: 'suspicious',
  Error: 'malicious',
  Unavailable: 'malicious',
  Disabled: 'unknown',
} as const satisfies Record<Appliance['state'] | SharedRuleset['state'], Tone>

const words = {
  InSync: 'in sync',
  NoRules: 'no rules',
  Publishing: 'publishing',
  PendingNew: 'pending',
  OutOfSync: 'out of sync',
  Error: 'error',
  Unavailable: 'unavailable',
  Disabled: 'disabled',
} as const satisfies typeof tones extends Record<infer K, Tone> ? Record<K & string, string> : never

/** How an appliance, or a shared ruleset, stands. */
export function SyncState({ of }: { readonly of: keyof typeof tones }) {
  return <Badge tone={tones[of]}>{words[of]}</Badge>
}
