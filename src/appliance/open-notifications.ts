import { mailAccess, Notifications } from '../notifications/index.ts'
import type { Log } from '../scanning/index.ts'
import type { Settings } from '../settings/index.ts'
import type { Store } from '../store/index.ts'

/** Notifications by the ways that the settings allow. Fails with `settings.invalid` for a file that is of no use. */
export function openNotifications(store: Store, settings: Settings, log: Log): Notifications {
  const { webhookHosts: hosts, webhookNetworks: networks, webhookCa: ca, publicUrl } = settings
  return new Notifications({ store, rules: { hosts, networks, ca }, mail: mailAccess(settings), publicUrl, log })
}
