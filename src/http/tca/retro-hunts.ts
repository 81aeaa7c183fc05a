/** TCA-0319: retro hunts. */
import type { TenantRuleset } from '../../rulesets/index.ts'
import type { Micros } from '../../store/index.ts'
import { RetroStatus, RulesetAccepted, RulesetNamed, tcaRoutes, toPlainTime } from '../../tca/index.ts'
import { RequestPace } from '../../tenants/index.ts'
import { about } from '../auditing.ts'
import type { HttpServer, TcaParts } from '../route.ts'
import { tenantOf } from './basic-authentication.ts'
import { plainRefusals } from './envelope.ts'
import { acceptedOf, NamePath, unknown } from './rulesets.ts'

export function addRetroHunts(app: HttpServer, { appliance: { tenants }, settings }: TcaParts): void {
  const { retroHunts } = tenants
  const pace = new RequestPace(settings.tenantRetroRate)

  const change = (
    route: 'enableRetro' | 'startRetro' | 'cancelRetro',
    summary: string,
    act: (tenantId: number, name: string) => Promise<TenantRuleset>,
  ) =>
    app.post(
      tcaRoutes[route],
      {
        config: { audit: about('ruleset_name') },
        schema: {
          tags: ['cloud'],
          operationId: `${route}Hunt`,
          summary,
          body: RulesetNamed,
          response: {
            200: RulesetAccepted,
            ...plainRefusals({
              ...unknown,
              400: 'The ruleset cannot be hunted with, or its hunt is in another state.',
            }),
          },
        },
      },
      async (request) => {
        const { id } = tenantOf(request)
        pace.demand(id)
        return acceptedOf(await act(id, request.body.ruleset_name))
      },
    )
  // Rulesets of clouds older than retro hunts had to be enabled for them; here each is, if it can be hunted with at all.
  change('enableRetro', 'Tell whether a ruleset can be hunted back with', (id, name) =>
    retroHunts.demandFitness(id, name),
  )
  change('startRetro', 'Start a retro hunt; what an earlier one found goes', (id, name) => retroHunts.start(id, name))
  change('cancelRetro', 'Cancel a retro hunt', (id, name) => retroHunts.cancel(id, name))

  app.get(
    tcaRoutes.retroStatus,
    {
      schema: {
        tags: ['cloud'],
        operationId: 'getTenantRetroHunt',
        summary: 'Tell how the retro hunt of a ruleset is doing',
        params: NamePath,
        response: { 200: RetroStatus, ...plainRefusals(unknown) },
      },
    },
    async (request) => {
      const { id } = tenantOf(request)
      pace.demand(id)
      const { state, started, finished, estimatedFinish, progress, reason } = await retroHunts.status(
        id,
        request.params.name,
      )
      return {
        ruleset_name: request.params.name,
        retro_status: state,
        start_time: plain(started),
        finish_time: plain(finished),
        estimated_finish_time: plain(estimatedFinish),
        progress,
        reason,
      }
    },
  )
}

function plain(time: Micros | null): string | null {
  return time === null ? null : toPlainTime(Math.floor(time / 1_000_000))
}
