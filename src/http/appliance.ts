import type { Appliance } from '../appliance/index.ts'
import type { Settings } from '../settings/index.ts'

/** What the routes need of an appliance. */
export type ApplianceServices = Omit<Appliance, 'announce' | 'close'>

/** The settings that concern HTTP; `tlsKey` and `tlsCert` are paths, both or none. */
export type HttpSettings = Pick<
  Settings,
  'uploadLimit' | 'rateLimit' | 'loginLimit' | 'trustProxy' | 'tlsKey' | 'tlsCert' | 'shutdownGrace'
>
