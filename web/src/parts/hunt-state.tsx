import type { Hunt } from '../api/hunts.ts'
import { Badge, type Tone } from './badge.tsx'

const tones: Readonly<Record<Hunt['state'], Tone>> = {
  queued: 'unknown',
  starting: 'information',
  running: 'information',
  completed: 'goodware',
  stopped: 'suspicious',
  failed: 'malicious',
}

export function HuntState({ of }: { readonly of: Hunt['state'] }) {
  return <Badge tone={tones[of]}>{of}</Badge>
}
