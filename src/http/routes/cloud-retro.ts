import { type Static, Type } from 'typebox'
import type { Account } from '../../accounts/index.ts'
import type { CloudStatus } from '../../cloud/index.ts'
import { checkName } from '../../rulesets/index.ts'
import { toIsoOffset } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { CloudStatusShape, statusFields } from '../contract/retro.ts'
import { refusals, retroEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { retroStatuses } from './local-retro.ts'

const RulesetPath = Type.Object({ ruleset_name: RulesetName })

const AnsweredShape = Type.Object({
  state: Type.Enum(['RUNNING', 'CANCELLED', 'CLEARED']),
  ...statusFields,
})

/** `/api/yara/ruleset/{ruleset_name}/cloud-retro-hunt/`: what is wrong with the request (400, 404) comes before 428. */
export function addCloudRetro(app: HttpServer, { appliance: { cloud } }: RouteParts): void {
  const operations = {
    START: { state: 'RUNNING', run: (by: Account, name: string) => cloud.startHunt(by, name) },
    STOP: { state: 'CANCELLED', run: (by: Account, name: string) => cloud.stopHunt(by, name) },
    CLEAR: { state: 'CLEARED', run: (by: Account, name: string) => cloud.clearHunt(by, name) },
  } as const

  app.post(
    '/api/yara/ruleset/:ruleset_name/cloud-retro-hunt/',
    {
      config: {
        audit: about('ruleset_name', 'operation'),
        access: { right: 'rulesets.change-any', orOwner: true },
        envelope: retroEnvelope,
        invalid: 'retro.operation-invalid',
      },
      schema: {
        tags: ['retro'],
        operationId: 'operateCloudRetro',
        summary: 'Start, stop or clear the Cloud Retro of a ruleset',
        consumes: ['multipart/form-data', 'application/x-www-form-urlencoded', 'application/json'],
        params: RulesetPath,
        body: Type.Object({ operation: Type.Enum(['START', 'STOP', 'CLEAR']) }),
        response: {
          200: Type.Object({ success: Type.Literal(true), message: Type.Null(), status: AnsweredShape }),
          ...refusals(retroEnvelope, retroStatuses),
        },
      },
    },
    async (request) => {
      const { params, body } = request
      checkName(params.ruleset_name, 'ruleset.name-invalid')
      const { state, run } = operations[body.operation as keyof typeof operations]
      const status = await run(callerOf(request), params.ruleset_name)
      // What was asked took effect; a short hunt may be over by now, and then the fields say so.
      return { success: true as const, message: null, status: { state, ...toJson(status) } }
    },
  )
  app.get(
    '/api/yara/ruleset/:ruleset_name/cloud-retro-hunt/',
    {
      config: { access: 'account', envelope: retroEnvelope, invalid: 'ruleset.name-invalid' },
      schema: {
        tags: ['retro'],
        operationId: 'getCloudRetro',
        summary: 'Tell the state of the Cloud Retro of a ruleset',
        params: RulesetPath,
        response: {
          200: Type.Object({
            success: Type.Literal(true),
            message: Type.String(),
            ruleset_name: Type.String(),
            status: CloudStatusShape,
          }),
          ...refusals(retroEnvelope, retroStatuses),
        },
      },
    },
    async ({ params }) => {
      checkName(params.ruleset_name, 'ruleset.name-invalid')
      const status = await cloud.status(params.ruleset_name)
      const message = status.isSaved ? 'Ruleset is saved on the cloud.' : 'Ruleset is not saved on the cloud.'
      return { success: true as const, message, ruleset_name: status.name, status: toJson(status) }
    },
  )
}

function toJson(status: CloudStatus): Static<typeof CloudStatusShape> {
  return {
    cloud_status: status.cloudStatus,
    scale_status: status.localStatus,
    retrohunt_status: status.hunt,
    retrohunt_start_time: toIsoOffset(status.started),
    retrohunt_finish_time: toIsoOffset(status.finished),
    retrohunt_estimated_finish_time: toIsoOffset(status.estimated),
    retrohunt_progress: status.progress,
    reason: status.reason,
  }
}
