/** Tools that hunt: start one, follow it, read what it found. */
import { Type } from 'typebox'
import { HuntHitShape, HuntShape, MadeHuntShape } from '../contract/hunts.ts'
import { hitPage } from '../routes/hunt-hits.ts'
import { HuntPath, huntRequest } from '../routes/hunt-requests.ts'
import { createHunt, huntJson } from '../routes/hunts.ts'
import { OwnBytesShape, ownBytes } from './matched-strings.ts'
import { limit, next } from './pages.ts'
import { tool } from './tool.ts'

const { rules, title, selection, partial } = huntRequest

const MOST_WARNINGS = 50
/** Of one hit; `match_strings` finds more where the rules are a saved ruleset. */
const MOST_STRINGS = 20

export const startHunt = tool({
  name: 'start_hunt',
  title: 'Start a hunt',
  description:
    'Start a hunt with YARA texts over the samples that are stored, or over a selection of them. It goes on in the ' +
    'background: follow it with hunt_status, and read what it finds with hunt_results.',
  operation: 'createHunt',
  changes: true,
  input: Type.Object({ rules, title, selection, partial }),
  output: Type.Object({
    ...MadeHuntShape.properties,
    warnings: Type.Array(MadeHuntShape.properties.warnings.items, { description: `the first ${MOST_WARNINGS}` }),
    warnings_count: Type.Integer(),
  }),
  untrusted: [],
  async run(input, { appliance, caller, signal }) {
    const { warnings, ...hunt } = await createHunt(appliance.adHocHunts, caller, input, signal)
    return { ...hunt, warnings: warnings.slice(0, MOST_WARNINGS), warnings_count: warnings.length }
  },
})

export const huntStatus = tool({
  name: 'hunt_status',
  title: 'Tell the state of a hunt',
  description:
    'Tell how far a hunt is: its state (queued, starting, running; completed, stopped or failed at the end), samples ' +
    'covered and decided, matches so far, and how long it will still take.',
  operation: 'getHunt',
  changes: false,
  input: HuntPath,
  output: HuntShape,
  untrusted: [],
  async run({ id }, { appliance }) {
    return huntJson(await appliance.adHocHunts.get(id))
  },
})

const { strings: _strings, ...hit } = HuntHitShape.properties

export const huntResults = tool({
  name: 'hunt_results',
  title: 'Read what a hunt found',
  description:
    'Read what a hunt has found, page by page, also while it runs: the rule, the sample, and where the first matching ' +
    'strings are.',
  operation: 'listHuntHits',
  changes: false,
  input: Type.Object({
    ...HuntPath.properties,
    after: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: 0,
      description: 'the id of the last hit seen',
    }),
    limit: limit(50, 200),
  }),
  output: Type.Object({
    count: Type.Integer({ description: 'matches of the hunt so far' }),
    next_after: next('hits'),
    results: Type.Array(
      Type.Object({
        ...hit,
        strings: Type.Array(OwnBytesShape, { description: `by ascending offset, the first ${MOST_STRINGS}` }),
        strings_count: Type.Integer(),
      }),
    ),
  }),
  untrusted: [
    'results[].filename',
    'results[].file_type',
    'results[].threat_name',
    'results[].strings[].hex',
    'results[].strings[].text',
  ],
  async run({ id, after, limit }, { appliance }) {
    const { results, ...found } = await hitPage(appliance.adHocHunts, id, { after, limit })
    return {
      ...found,
      results: results.map(({ strings, ...hit }) => ({
        ...hit,
        strings: strings.slice(0, MOST_STRINGS).map(ownBytes),
        strings_count: strings.length,
      })),
    }
  },
})
