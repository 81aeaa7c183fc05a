/** The appliances of a manager, for its administrators. */
import { type Static, Type } from 'typebox'
import type { ListedAppliance } from '../../manager/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { type ApplianceShape, AppliancesShape, SharedEntryShape } from '../contract/sharing.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const AppliancePath = Type.Object({ name: Type.String({ minLength: 1, description: 'name of an appliance' }) })
const Token = Type.Object({
  name: Type.String(),
  token: Type.String({ description: 'for BACKTRAIL_MANAGER_TOKEN of the appliance; shown this once' }),
})
const Done = Type.Object({ name: Type.String() })

const statuses = { 400: 'The name is malformed.', 403: 'No token, or an unknown one, or not an administrator\u2019s.' }
const unknown = { 404: 'There is no appliance of that name.' }

export function addAppliances(app: HttpServer, { appliance: { manager } }: RouteParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['appliances'], operationId, summary })

  app.get(
    '/api/appliances/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('listAppliances', 'List the appliances of this manager with their state'),
        response: { 200: AppliancesShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async () => {
      const { digest, count } = await manager.sharedSet()
      return {
        key: await manager.publicKey(),
        sequence: await manager.sequence(),
        digest,
        rulesets: count,
        results: (await manager.list()).map(toJson),
      }
    },
  )

  app.get(
    '/api/appliances/rulesets/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('listManagedRulesets', 'List the rulesets that are shared'),
        response: {
          200: Type.Object({ count: Type.Integer(), results: Type.Array(SharedEntryShape) }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async () => {
      const shared = await manager.shared()
      const results = shared.map(({ name, sequence, version, digest, enabled, author, appliance, time }) => ({
        ...{ name, sequence, version, digest, enabled, author, appliance },
        time: toIso(time),
      }))
      return { count: results.length, results }
    },
  )

  app.post(
    '/api/appliances/',
    {
      config: { changesAccounts: true, audit: about('name'), access: 'appliances.manage' },
      schema: {
        ...describe('addAppliance', 'Add an appliance: the answer has its token'),
        body: Type.Object({ name: Type.String({ minLength: 1 }) }),
        response: {
          201: Token,
          ...refusals(yaraEnvelope, { ...statuses, 409: 'There is already an appliance of that name.' }),
        },
      },
    },
    async ({ body: { name } }, reply) => reply.code(201).send({ name, token: await manager.add(name) }),
  )

  app.post(
    '/api/appliances/:name/token/',
    {
      config: { changesAccounts: true, audit: about('name'), access: 'appliances.manage' },
      schema: {
        ...describe('renewApplianceToken', 'Give an appliance a new token in place of the one before'),
        params: AppliancePath,
        response: { 200: Token, ...refusals(yaraEnvelope, { ...statuses, ...unknown }) },
      },
    },
    async ({ params: { name } }) => ({ name, token: await manager.renewToken(name) }),
  )

  for (const action of ['enable', 'disable'] as const) {
    app.post(
      `/api/appliances/:name/${action}/`,
      {
        config: { changesAccounts: true, audit: about('name'), access: 'appliances.manage' },
        schema: {
          ...describe(`${action}Appliance`, action === 'enable' ? 'Enable an appliance' : 'Disable an appliance'),
          params: AppliancePath,
          response: { 200: Done, ...refusals(yaraEnvelope, { ...statuses, ...unknown }) },
        },
      },
      async ({ params: { name } }) => {
        await manager.setDisabled(name, action === 'disable')
        return { name }
      },
    )
  }

  app.delete(
    '/api/appliances/:name/',
    {
      config: { changesAccounts: true, audit: about('name'), access: 'appliances.manage' },
      schema: {
        ...describe('removeAppliance', 'Remove an appliance; what it published stays'),
        params: AppliancePath,
        response: { 200: Done, ...refusals(yaraEnvelope, { ...statuses, ...unknown }) },
      },
    },
    async ({ params: { name } }) => {
      await manager.remove(name)
      return { name }
    },
  )
}

function toJson({ name, state, created, lastSeen, report: said }: ListedAppliance): Static<typeof ApplianceShape> {
  const report = said && { ...said, problem: said.problem === '' ? null : said.problem }
  return { name, state, created: toIso(created), last_seen: toIso(lastSeen), report }
}
