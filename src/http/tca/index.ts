/** The cloud's side over HTTP: what the appliances of tenants ask. */
import { Failure } from '../../errors/index.ts'
import { documentAccess } from '../access.ts'
import type { HttpServer, TcaParts } from '../route.ts'
import { addBasicAuthentication } from './basic-authentication.ts'
import { addContributions } from './contributions.ts'
import { plainEnvelope } from './envelope.ts'
import { addFeeds } from './feeds.ts'
import { addRetroHunts } from './retro-hunts.ts'
import { addTenantRulesets } from './rulesets.ts'

export { knownTenantOf } from './basic-authentication.ts'

/** Every route of the protocol; register it as a scope of its own. */
export function addTca(app: HttpServer, parts: TcaParts): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'tenant', envelope: plainEnvelope }
    if (!route.schema) return
    route.schema.security = [{ tenant: [] }]
    documentAccess(route.schema, 'tenant')
  })
  addBasicAuthentication(app, parts.appliance.accounts)
  for (const add of [addTenantRulesets, addRetroHunts, addFeeds, addContributions]) add(app, parts)
  // The protocol knows no other answer to what is not there, and its clients read plain text only.
  for (const url of ['/api/yara/admin/*', '/api/feed/*', '/api/spex/*', '/api/customer_usage/*']) {
    app.all(url, { schema: { hide: true } }, async () => {
      throw new Failure('path.unknown')
    })
  }
}
