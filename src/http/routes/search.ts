/** One search over samples, rulesets, the texts of rules, tags and hunts: an addition to the specification. */
import { type Static, Type } from 'typebox'
import type { EverythingFound, FoundInRules } from '../../search/index.ts'
import { toIso } from '../../store/index.ts'
import { callerOf } from '../authentication.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { FoundShape } from '../contract/search.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { sampleJson } from './sample-shapes.ts'

/** Room for 2,000 hashes with what stands around them in a report. */
const LONGEST_TEXT = 500_000
const UNKNOWN_SHOWN = 100

export function addSearch(app: HttpServer, { appliance: { search } }: RouteParts): void {
  app.post(
    '/api/search/',
    {
      config: { onlyReads: true, audit: 'nothing to tell', access: 'account' },
      bodyLimit: LIST_BODY,
      schema: {
        tags: ['search'],
        operationId: 'searchEverything',
        summary: 'Search samples, tags, rulesets, rules, the texts of rules and hunts at once',
        body: Type.Object({
          text: Type.String({
            maxLength: LONGEST_TEXT,
            description:
              'a part of a name, of a title or of a line, a hash, a TLSH, or its first digits (4 or more), up to 500 characters; ' +
              'or a text with up to 2,000 hashes in it',
          }),
        }),
        response: {
          200: FoundShape,
          ...refusals(yaraEnvelope, {
            400: 'The text is too long, or has too many hashes.',
            403: 'No token, or an unknown one.',
          }),
        },
      },
    },
    async (request, reply) => foundJson(await search.find(callerOf(request), request.body.text, goneSignal(reply))),
  )
}

function foundJson(found: EverythingFound): Static<typeof FoundShape> {
  const { hashes } = found
  return {
    samples: found.samples.map(sampleJson),
    more_samples: found.hasMoreSamples,
    hashes: hashes && {
      asked: hashes.asked,
      unknown: hashes.unknown.slice(0, UNKNOWN_SHOWN),
      unknown_count: hashes.unknown.length,
    },
    tags: { samples: [...found.sampleTags], rulesets: [...found.rulesetTags] },
    rulesets: found.rulesets.map(({ name, owner, status }) => ({ name, owner, status })),
    rulesets_count: found.rulesetCount,
    rules: found.rules.map(inRulesJson),
    lines: found.lines.map(inRulesJson),
    hunts: found.hunts.map(({ id, title, state, user, created }) => ({
      ...{ id, title, state, user },
      created: toIso(created),
    })),
    complete: found.isComplete,
  }
}

const inRulesJson = ({ ruleset, rule, line, text }: FoundInRules) => ({ ruleset, rule, line, text })
