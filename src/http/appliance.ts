import type { Accounts } from '../accounts/index.ts'
import type { LocalRetro } from '../hunts/index.ts'
import type { Intake } from '../intake/index.ts'
import type { Matches } from '../matches/index.ts'
import type { Rulesets } from '../rulesets/index.ts'
import type { Samples } from '../samples/index.ts'
import type { WorkerPool } from '../scanning/index.ts'
import type { Segments } from '../segments/index.ts'
import type { Settings } from '../settings/index.ts'

/** What the routes need of an appliance. */
export interface ApplianceServices {
  readonly accounts: Accounts
  readonly rulesets: Rulesets
  readonly matches: Matches
  readonly samples: Samples
  readonly intake: Intake
  readonly segments: Segments
  readonly localRetro: LocalRetro
  readonly pool: WorkerPool
}

/** The settings that concern HTTP; `tlsKey` and `tlsCert` are paths, both or none. */
export type HttpSettings = Pick<
  Settings,
  'uploadLimit' | 'rateLimit' | 'loginLimit' | 'trustProxy' | 'tlsKey' | 'tlsCert' | 'shutdownGrace'
>
