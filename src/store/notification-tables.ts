/** The tables of notifications as Kysely sees them; `schema.ts` has the others. */
import type { Generated } from 'kysely'
import type { Micros } from './clock.ts'
import type { ChannelKind, DeliveryState, EventKind, NotificationScope } from './notifications.ts'

export interface NotificationTables {
  notification_channels: NotificationChannelsTable
  notification_rulesets: NotificationRulesetsTable
  notification_events: NotificationEventsTable
  notification_deliveries: NotificationDeliveriesTable
}

/** Where users are notified; see `notifications.ts`. */
interface NotificationChannelsTable {
  id: Generated<number>
  user_id: number
  name: string
  kind: ChannelKind
  address: string
  secret: string
  on_match: 0 | 1
  on_local_retro: 0 | 1
  on_hunt: 0 | 1
  on_suspension: 0 | 1
  scope: NotificationScope
  /** In seconds. */
  digest: number
  daily_limit: number
  muted_until: Micros | null
  created: Micros
  modified: Micros
  refused: string | null
  cursor: Generated<number>
  /** Days since 1970. */
  day: Generated<number>
  sent: Generated<number>
}

interface NotificationRulesetsTable {
  channel_id: number
  ruleset_id: number
}

/** What is in no message yet. Rows of hunts and of suspensions are written by triggers. */
interface NotificationEventsTable {
  id: Generated<number>
  channel_id: number
  kind: EventKind
  created: Micros
  ruleset_id: number | null
  sample_id: number | null
  hunt_id: number | null
  /** A JSON array of the rules that match, or why a ruleset was suspended. */
  detail: string | null
}

interface NotificationDeliveriesTable {
  id: Generated<number>
  channel_id: number
  message_id: string
  title: string
  body: string
  created: Micros
  state: DeliveryState
  attempts: Generated<number>
  due: Micros
  ended: Micros | null
  status: number | null
  problem: string | null
}
