/** TCA-0303: the rulesets that a tenant runs continuously. */
import { Type } from 'typebox'
import type { TenantRuleset } from '../../rulesets/index.ts'
import { NewRuleset, RulesetAccepted, RulesetInfo, RulesetText, tcaRoutes, Usage } from '../../tca/index.ts'
import { about } from '../auditing.ts'
import { TENANT_TEXT_BODY } from '../body-bounds.ts'
import type { HttpServer, TcaParts } from '../route.ts'
import { tenantOf } from './basic-authentication.ts'
import { plainRefusals } from './envelope.ts'

export const NamePath = Type.Object({ name: Type.String() })
export const unknown = { 404: 'There is no ruleset of that name.' }

export function addTenantRulesets(app: HttpServer, { appliance: { tenants } }: TcaParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['cloud'], operationId, summary })

  app.post(
    tcaRoutes.rulesets,
    {
      config: { audit: about('ruleset_name') },
      bodyLimit: TENANT_TEXT_BODY,
      schema: {
        ...describe('createTenantRuleset', 'Create a ruleset and let it run'),
        body: NewRuleset,
        response: {
          200: RulesetAccepted,
          ...plainRefusals({ 400: 'The name is taken or not allowed, or the text does not compile or is too large.' }),
        },
      },
    },
    async (request) => {
      const { ruleset_name: name, text, sample_available } = request.body
      const wantsSamples = sample_available !== false
      return acceptedOf(await tenants.rulesets.create(tenantOf(request).id, { name, text, wantsSamples }))
    },
  )

  app.get(
    tcaRoutes.rulesets,
    {
      schema: {
        ...describe('listTenantRulesets', 'List rulesets'),
        response: { 200: Type.Array(RulesetInfo), ...plainRefusals({}) },
      },
    },
    async (request) => (await tenants.rulesets.list(tenantOf(request).id)).map(infoOf),
  )

  app.get(
    tcaRoutes.ruleset,
    {
      schema: {
        ...describe('getTenantRuleset', 'Tell whether a ruleset is valid and runs'),
        params: NamePath,
        response: { 200: RulesetInfo, ...plainRefusals(unknown) },
      },
    },
    async (request) => infoOf(await tenants.rulesets.get(tenantOf(request).id, request.params.name)),
  )

  app.get(
    tcaRoutes.rulesetText,
    {
      schema: {
        ...describe('getTenantRulesetText', 'Give the text of a ruleset'),
        params: NamePath,
        response: { 200: RulesetText, ...plainRefusals(unknown) },
      },
    },
    async (request) => ({ text: await tenants.rulesets.text(tenantOf(request).id, request.params.name) }),
  )

  app.delete(
    tcaRoutes.ruleset,
    {
      config: { audit: about('name') },
      schema: {
        ...describe('deleteTenantRuleset', 'Delete a ruleset, its retro hunt and what the feeds hold of it'),
        params: NamePath,
        response: { 200: RulesetAccepted, ...plainRefusals(unknown) },
      },
    },
    async (request) => acceptedOf(await tenants.removeRuleset(tenantOf(request).id, request.params.name)),
  )

  app.get(
    tcaRoutes.usage,
    {
      schema: {
        ...describe('getTenantUsage', 'Count the rulesets that run'),
        querystring: Type.Object({ format: Type.Optional(Type.String()) }),
        response: { 200: Usage, ...plainRefusals({}) },
      },
    },
    async (request) => {
      const rulesets = await tenants.rulesets.list(tenantOf(request).id)
      return { rl: { product: 'YARA Hunting', number_of_active_rulesets: rulesets.filter(({ runs }) => runs).length } }
    },
  )
}

export function acceptedOf({ name, digest }: TenantRuleset) {
  return { ruleset_name: name, ruleset_sha1: digest }
}

function infoOf({ name, runs, reason }: TenantRuleset) {
  // What does not compile is not accepted, so all that are here are valid.
  return { valid: true, ruleset_name: name, approved: runs, ...(reason !== null && { reason }) }
}
