/** The manager's side of a group of appliances over HTTP: what appliances ask. */
import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import {
  FollowRequest,
  Identity,
  managerRoutes,
  PublishRequest,
  SignedAnswer,
  SnapshotRequest,
} from '../../manager-protocol/index.ts'
import { documentAccess } from '../access.ts'
import { about } from '../auditing.ts'
import { LIST_BODY, SHARED_TEXT_BODY } from '../body-bounds.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, TcaParts } from '../route.ts'
import { addApplianceAuthentication, applianceOf } from './appliance-authentication.ts'

export { knownApplianceOf } from './appliance-authentication.ts'

const statuses = {
  400: 'A parameter is not in its range.',
  401: 'The token of the appliance is missing or unknown.',
  403: 'The appliance is disabled.',
}

/** Every route of the protocol; register it as a scope of its own. */
export function addManagerProtocol(app: HttpServer, { appliance: { manager } }: TcaParts): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'appliance' }
    if (!route.schema) return
    route.schema.security = [{ token: [] }]
    documentAccess(route.schema, 'appliance')
  })
  addApplianceAuthentication(app, manager)
  const stopping = new AbortController()
  // Whoever waits for news is answered at once, so that nobody keeps the server from closing.
  app.addHook('preClose', async () => stopping.abort())
  const describe = (operationId: string, summary: string) => ({ tags: ['sharing'], operationId, summary })

  app.get(
    managerRoutes.identity,
    {
      schema: {
        ...describe('getManagerIdentity', 'Get the key that the manager signs with'),
        response: { 200: Identity, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => ({ appliance: applianceOf(request).name, key: await manager.publicKey() }),
  )

  app.post(
    managerRoutes.follow,
    {
      config: { audit: 'nothing to tell' },
      bodyLimit: LIST_BODY,
      schema: {
        ...describe('followManager', 'Get what is behind a position of the log, waiting for it for a while'),
        body: FollowRequest,
        response: { 200: SignedAnswer, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request, reply) => {
      const { nonce, ...asked } = request.body
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const signal = AbortSignal.any([gone.signal, stopping.signal])
      return manager.signed(await manager.follow(applianceOf(request), asked, signal), nonce)
    },
  )

  app.post(
    managerRoutes.snapshot,
    {
      config: { audit: 'nothing to tell' },
      schema: {
        ...describe('getSharedSnapshot', 'Get what is shared now, a page at a time'),
        body: SnapshotRequest,
        response: { 200: SignedAnswer, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ body: { nonce, after_name } }) => manager.signed(await manager.snapshot(after_name), nonce),
  )

  app.post(
    managerRoutes.publish,
    {
      config: { audit: about('name') },
      bodyLimit: SHARED_TEXT_BODY,
      schema: {
        ...describe('publishToManager', 'Put a change of a ruleset at the end of the log'),
        body: PublishRequest,
        response: { 200: SignedAnswer, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => manager.signed(await manager.publish(applianceOf(request), request.body), request.body.nonce),
  )

  app.get(
    managerRoutes.text,
    {
      schema: {
        ...describe('getSharedText', 'Get a text by its digest'),
        params: Type.Object({ digest: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
        response: {
          200: Type.Unsafe<Readable>(Type.String({ description: 'the text, as text/plain' })),
          ...refusals(yaraEnvelope, { ...statuses, 404: 'No such text is shared.' }),
        },
      },
    },
    async ({ params: { digest } }, reply) => {
      const text = await manager.text(digest)
      return reply.type('text/plain; charset=utf-8').send(text)
    },
  )
}
