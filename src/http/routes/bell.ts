/** The bell: what is new for whoever asks, an addition to the specification. Everybody sees and changes their own alone. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { MOST_COUNTED, type Unread } from '../../notifications/index.ts'
import { type BellPlace, toIso } from '../../store/index.ts'
import { callerOf } from '../authentication.ts'
import { FollowShape, ReadBody, UnreadShape } from '../contract/bell.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { RulesetName } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const statuses = {
  400: 'A parameter is malformed.',
  403: 'No token, or an unknown one.',
  404: 'There is no such ruleset or hunt.',
}
const RulesetPath = Type.Object({ name: RulesetName })

export function addBell(app: HttpServer, { appliance: { bell } }: RouteParts): void {
  app.get(
    '/api/bell/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['notifications'],
        operationId: 'listUnread',
        summary: 'List what is new for you since you read it',
        response: { 200: UnreadShape, ...refusals(yaraEnvelope, { 403: statuses[403] }) },
      },
    },
    async (request) => unreadJson(await bell.unread(callerOf(request))),
  )

  app.post(
    '/api/bell/read/',
    {
      config: { audit: 'nothing to tell', access: 'account' },
      schema: {
        tags: ['notifications'],
        operationId: 'markRead',
        summary: 'Mark as read what is new for you',
        body: ReadBody,
        response: { 200: UnreadShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => {
      const by = callerOf(request)
      const { up_to, ruleset, hunt } = request.body
      if (up_to === undefined && ruleset === undefined && hunt === undefined) {
        throw new Failure('parameter.out-of-range', 'Parameter not in expected range: give up_to, ruleset or hunt.')
      }
      if (up_to !== undefined) await bell.readAll(by, placeIn(up_to))
      if (ruleset !== undefined) await bell.readRuleset(by, ruleset)
      if (hunt !== undefined) await bell.readHunt(by, hunt)
      return unreadJson(await bell.unread(by))
    },
  )

  app.get(
    '/api/rulesets/:name/follow/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['notifications'],
        operationId: 'isRulesetFollowed',
        summary: 'Tell whether new matches of a ruleset are new for you',
        params: RulesetPath,
        response: { 200: FollowShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => ({ follows: await bell.isFollowed(callerOf(request), request.params.name) }),
  )

  app.put(
    '/api/rulesets/:name/follow/',
    {
      config: { audit: 'nothing to tell', access: 'account' },
      schema: {
        tags: ['notifications'],
        operationId: 'followRuleset',
        summary: 'Follow a ruleset, or follow it no more',
        params: RulesetPath,
        body: FollowShape,
        response: { 200: FollowShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => {
      await bell.follow(callerOf(request), request.params.name, request.body.follows)
      return { follows: request.body.follows }
    },
  )
}

function unreadJson({ rulesets, hunts, asOf }: Unread): Static<typeof UnreadShape> {
  return {
    rulesets: rulesets.map(({ name, matches, lastMatched }) => ({
      name,
      matches: Math.min(matches, MOST_COUNTED),
      more: matches > MOST_COUNTED,
      last_matched: toIso(lastMatched),
    })),
    hunts: hunts.map(({ id, kind, title, state, matches, stopped }) => ({
      ...{ id, title, state, matches },
      kind: kind === 'local-retro' ? 'local-retro' : 'ad-hoc',
      ended: toIso(stopped),
    })),
    as_of: `${asOf.match}.${asOf.moment}`,
  }
}

function placeIn(text: string): BellPlace {
  const found = /^(\d{1,15})\.(\d{1,16})$/.exec(text)
  if (!found) {
    throw new Failure('parameter.out-of-range', 'Parameter not in expected range: up_to must be `as_of` of a list.')
  }
  return { match: Number(found[1]), moment: Number(found[2]) }
}
