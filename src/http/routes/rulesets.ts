/** The YARA API's rulesets: list, content, create or update, delete, enable and disable. */
import { type Static, Type } from 'typebox'
import type { CloudStatus } from '../../cloud/index.ts'
import { Failure } from '../../errors/index.ts'
import { NOT_PUBLISHED } from '../../publishing/index.ts'
import type { RulesetEntry } from '../../rulesets/index.ts'
import { toIso } from '../../store/index.ts'
import { neighbours } from '../addresses.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { TEXT_BODY } from '../body-bounds.ts'
import { Paging } from '../contract/paging.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { Flag, isSet, pageOf, RulesetName, YaraText } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { readByNames } from '../unescaped-names.ts'
import { diagnosticJson, leftOutJson } from './diagnostic-json.ts'
import { publishedJson } from './published.ts'

const forms = ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json']
const unauthenticated = 'No token, or an unknown one.'
const publishRefused = `${unauthenticated} Or publish was asked for without the permission.`

const ListQuery = Type.Object({
  type: Type.Enum(['my', 'user', 'system', 'all'], { default: 'my' }),
  status: Type.Enum(['all', 'error', 'active', 'disabled', 'pending', 'invalid', 'capped'], { default: 'all' }),
  source: Type.Enum(['all', 'local', 'cloud'], { default: 'all' }),
  ...Paging,
})

const ListedRuleset = Type.Object({
  name: Type.String(),
  owner: Type.String(),
  status: Type.String(),
  malicious_match_count: Type.Integer(),
  suspicious_match_count: Type.Integer(),
  goodware_match_count: Type.Integer(),
  unknown_match_count: Type.Integer(),
  last_matched: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  system_ruleset: Type.Boolean(),
  cloud_synced: Type.Boolean(),
})

const Done = Type.Object({
  code: Type.Literal(200),
  message: Type.String(),
  detail: Type.Object({ name: Type.String() }, { additionalProperties: true }),
})

const SwitchBody = Type.Object({ name: RulesetName, publish: Type.Optional(Flag) })

export function addRulesets(app: HttpServer, { appliance: { rulesets, cloud, publishing, room } }: RouteParts): void {
  // The older address is the one in the vendor's examples of `next`.
  for (const url of ['/api/yara/v2/rulesets/', '/api/yara/rulesets/'])
    app.get(
      url,
      {
        config: { access: 'account', unauthenticated: 401 },
        schema: {
          tags: ['rulesets'],
          operationId: url.includes('v2') ? 'listRulesets' : 'listRulesetsOlder',
          summary: url.includes('v2') ? 'List rulesets' : 'List rulesets (older address)',
          querystring: ListQuery,
          response: {
            200: Type.Object({
              count: Type.Integer(),
              next: Type.Union([Type.String(), Type.Null()]),
              previous: Type.Union([Type.String(), Type.Null()]),
              type: Type.String(),
              status: Type.String(),
              source: Type.String(),
              results: Type.Array(ListedRuleset),
            }),
            ...refusals(yaraEnvelope, {
              400: 'A parameter is not in its range, or there is no such page.',
              401: unauthenticated,
            }),
          },
        },
      },
      async (request) => {
        const { type, status, source } = request.query
        const page = pageOf(request.query)
        const { count, results } = await rulesets.list(callerOf(request), { type, status, source, page })
        const filters = { type, status, source }
        return {
          count,
          ...neighbours(request, page, count, Object.entries(filters)),
          ...filters,
          results: results.map(listed),
        }
      },
    )

  app.get(
    '/api/yara/ruleset/content/',
    {
      config: { access: 'account', invalid: 'ruleset.name-invalid' },
      schema: {
        tags: ['rulesets'],
        operationId: 'getRulesetContent',
        summary: 'Get the text of a ruleset',
        querystring: Type.Object({ name: RulesetName }),
        response: {
          200: Type.Object({
            code: Type.Literal(200),
            detail: Type.Object({ name: Type.String(), content: Type.String() }),
          }),
          ...refusals(yaraEnvelope, {
            400: 'The name is missing or invalid.',
            403: unauthenticated,
            404: 'There is no such ruleset.',
          }),
        },
      },
    },
    async (request) =>
      readByNames(request, [request.query.name], async ([name = '']) => ({
        code: 200 as const,
        detail: { name, content: await rulesets.content(name) },
      })),
  )

  app.post(
    '/api/yara/ruleset/',
    {
      config: { audit: about('name'), access: { right: 'rulesets.change-any', orOwner: true } },
      bodyLimit: TEXT_BODY,
      schema: {
        tags: ['rulesets'],
        operationId: 'saveRuleset',
        summary: 'Create or update a ruleset',
        consumes: forms,
        body: Type.Object({
          name: RulesetName,
          content: YaraText,
          publish: Type.Optional(Flag),
          ticloud: Type.Optional(Flag),
          partial: Type.Optional(
            Type.String({ ...Flag, description: 'true: where some rules do not compile, the others run' }),
          ),
          replaces: Type.Optional(
            Type.Integer({
              minimum: 0,
              description: 'the revision that the text was made of, 0 for none; refused when another is current by now',
            }),
          ),
        }),
        response: {
          200: Done,
          ...refusals(yaraEnvelope, {
            400: 'The name or the content is missing or not in its range.',
            401: 'It is a core ruleset, or belongs to another user.',
            403: publishRefused,
            409: 'Its cloud validation is pending, a Cloud Retro runs on it, or replaces is not its current revision.',
            500: 'Saved, but it cannot run: detail.diagnostics says where and why.',
          }),
        },
      },
    },
    async (request) => {
      const { name, content, publish, ticloud, partial, replaces } = request.body
      const by = callerOf(request)
      const publishes = isSet(publish)
      const refusal = publishes ? publishing.refusal(by) : null
      if (refusal) throw refusal
      const wantsCloud = isSet(ticloud)
      const saved = await rulesets.save(by, {
        name,
        content,
        cloud: wantsCloud,
        partial: isSet(partial),
        replaces,
        ...(publishes && { publishAs: by.name }),
      })
      const diagnostics = saved.diagnostics.map(diagnosticJson)
      if (saved.state !== 'valid') {
        const { revision } = saved
        const detail = {
          name: saved.name,
          revision,
          diagnostics,
          ...(publishes && { published: publishedJson(NOT_PUBLISHED) }),
        }
        throw new Failure('ruleset.cannot-run', undefined, detail)
      }
      const settled = wantsCloud ? await cloud.settle(name) : null
      return {
        code: 200 as const,
        message: 'Ruleset updated/created successfully.',
        detail: {
          name: saved.name,
          cloud_synced: settled?.isSaved ?? false,
          revision: saved.revision,
          diagnostics,
          left_out: saved.leftOut.map(leftOutJson),
          ...(saved.engine && { engine: saved.engine }),
          ...(publishes && { published: publishedJson(await publishing.settle(name)) }),
          ...(settled && !settled.isSaved && { note: notSaved(cloud.isConnected, settled) }),
        },
      }
    },
  )

  app.delete(
    '/api/yara/ruleset/',
    {
      config: {
        audit: about('name'),
        access: { right: 'rulesets.change-any', orOwner: true },
        invalid: 'ruleset.name-invalid',
        broken: 'ruleset.delete-failed',
      },
      schema: {
        tags: ['rulesets'],
        operationId: 'deleteRuleset',
        summary: 'Delete a ruleset with its matches',
        consumes: forms,
        body: SwitchBody,
        response: {
          200: Done,
          ...refusals(yaraEnvelope, {
            400: 'The name is missing or invalid.',
            401: 'It is a core ruleset, or belongs to another user.',
            403: publishRefused,
            404: 'There is no such ruleset.',
          }),
        },
      },
    },
    async (request) => {
      const { name, publish } = request.body
      const by = callerOf(request)
      const publishes = isSet(publish)
      const refusal = publishes ? publishing.refusal(by) : null
      if (refusal) throw refusal
      await room.lend(() => rulesets.remove(by, name, publishes ? { publishAs: by.name } : {}))
      const published = publishes ? { published: publishedJson(await publishing.settle(name)) } : {}
      return { code: 200 as const, message: 'Ruleset deleted successfully.', detail: { name, ...published } }
    },
  )

  for (const action of ['enable', 'disable'] as const) {
    app.post(
      `/api/yara/ruleset/${action}/`,
      {
        config: {
          audit: about('name'),
          access: { right: 'rulesets.change-any', orOwner: true },
          invalid: 'ruleset.name-invalid',
          broken: 'ruleset.switch-failed',
        },
        schema: {
          tags: ['rulesets'],
          operationId: `${action}Ruleset`,
          summary: action === 'enable' ? 'Enable a ruleset' : 'Disable a ruleset',
          consumes: forms,
          body: SwitchBody,
          response: {
            200: Done,
            ...refusals(yaraEnvelope, {
              400: 'The name is missing or malformed.',
              401: 'It is a core ruleset, or belongs to another user.',
              403: unauthenticated,
              404: 'There is no such ruleset.',
            }),
          },
        },
      },
      async (request) => {
        const { name, publish } = request.body
        const by = callerOf(request)
        const done = `Ruleset ${action}d successfully`
        // Unlike for create and delete, the specification has the action done all the same.
        const refusal = isSet(publish) ? publishing.refusalBeside(by, done) : null
        const publishes = isSet(publish) && refusal === null
        await rulesets.setEnabled(by, name, action === 'enable', publishes ? { publishAs: by.name } : {})
        const published = publishes ? { published: publishedJson(await publishing.settle(name)) } : {}
        return { code: 200 as const, message: refusal ?? `${done}.`, detail: { name, ...published } }
      },
    )
  }
}

function notSaved(isConnected: boolean, { cloudStatus, reason }: CloudStatus): string {
  if (!isConnected) return 'Saved on this appliance only: it is not connected to Spectra Intelligence.'
  return cloudStatus === 'PENDING'
    ? `Saved on this appliance; Spectra Intelligence gets it in the background. ${reason ?? ''}`.trimEnd()
    : `Saved on this appliance only. ${reason ?? 'Spectra Intelligence does not have it.'}`
}

function listed(ruleset: RulesetEntry): Static<typeof ListedRuleset> {
  return {
    name: ruleset.name,
    owner: ruleset.owner,
    status: ruleset.status,
    malicious_match_count: ruleset.counts.malicious,
    suspicious_match_count: ruleset.counts.suspicious,
    goodware_match_count: ruleset.counts.goodware,
    unknown_match_count: ruleset.counts.unknown,
    last_matched: toIso(ruleset.lastMatched),
    system_ruleset: ruleset.core,
    cloud_synced: ruleset.cloudSynced,
  }
}
