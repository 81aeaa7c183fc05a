/** How much users may send and have stored, an addition to the specification. */
import { type Static, Type } from 'typebox'
import type { Quota } from '../../quotas/index.ts'
import { about } from '../auditing.ts'
import { limits, QuotaBody, QuotaShape } from '../contract/quotas.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { demandSome } from '../problems.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const UserPath = Type.Object({ name: Type.String() })
const statuses = {
  400: 'A parameter is not in its range.',
  403: 'No token, or an unknown one, or not an administrator’s.',
  404: 'There is no such user.',
}

export function addQuotas(app: HttpServer, { appliance: { accounts, quotas, room } }: RouteParts): void {
  const path = '/api/users/:name/quota/'
  const response = { 200: QuotaShape, ...refusals(yaraEnvelope, statuses) }
  const describe = (operationId: string, summary: string) => ({
    ...{ tags: ['users'], operationId, summary, params: UserPath, response },
  })
  const shown = async (name: string): Promise<Static<typeof QuotaShape>> => {
    const { id } = await accounts.users.find(name)
    const { own, ...quota } = await quotas.of(id)
    return { ...toJson(quota), own, used: toJson(await quotas.use(id)) }
  }

  app.get(
    path,
    {
      config: { access: { right: 'users.manage', orOwnName: true } },
      schema: describe('getQuota', 'Tell how much a user may send, and how much of that is used'),
    },
    ({ params: { name } }) => shown(name),
  )

  app.post(
    path,
    {
      config: {
        access: 'users.manage',
        changesAccounts: true,
        audit: ({ params, body }) => [
          (params as Static<typeof UserPath>).name,
          ...Object.entries(body as object).map(([limit, value]) => `${limit}: ${value}`),
        ],
      },
      schema: {
        ...describe('setQuota', 'Give a user a quota of their own'),
        description: 'What is left out has no limit.',
        body: QuotaBody,
      },
    },
    async ({ params: { name }, body }) => {
      demandSome(body, limits)
      const { id } = await accounts.users.find(name)
      await room.lend(() => quotas.set(id, quotaOf(body)))
      return shown(name)
    },
  )

  app.delete(
    path,
    {
      config: { access: 'users.manage', changesAccounts: true, audit: about('name') },
      schema: describe('removeQuota', 'Take away a user’s own quota: the one of everybody counts'),
    },
    async ({ params: { name } }) => {
      const { id } = await accounts.users.find(name)
      await room.lend(() => quotas.set(id, null))
      return shown(name)
    },
  )
}

function quotaOf(body: Static<typeof QuotaBody>): Quota {
  const { day_samples = null, day_bytes = null, total_samples = null, total_bytes = null } = body
  return { daySamples: day_samples, dayBytes: day_bytes, totalSamples: total_samples, totalBytes: total_bytes }
}

function toJson<T extends number | null>(counts: Readonly<Record<keyof Quota, T>>) {
  const { daySamples, dayBytes, totalSamples, totalBytes } = counts
  return { day_samples: daySamples, day_bytes: dayBytes, total_samples: totalSamples, total_bytes: totalBytes }
}
