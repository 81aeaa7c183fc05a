import type { Appliance } from '../appliance/index.ts'
import type { Settings } from '../settings/index.ts'

/** What the routes need of an appliance. */
export type ApplianceServices = Omit<Appliance, 'announce' | 'leave' | 'close'>

/** `tlsKey` and `tlsCert` are paths, both or none. */
export type HttpSettings = Omit<Settings, 'adminToken' | 'cloudPassword' | 'managerToken'>
