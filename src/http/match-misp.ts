/**
 * Matches as a MISP event: an object `file` for each sample, with its hashes and the rules that hold for it. An event is
 * read whole by whoever imports it, so it is bounded, and made whole.
 */
import { v5 } from 'uuid'
import { Failure } from '../errors/index.ts'
import type { MatchRow } from '../matches/index.ts'
import { classificationNames } from '../samples/index.ts'
import { toIso } from '../store/index.ts'

const MOST_MATCHES = 10_000
/** For the ids of what is in an event; made once, at random. */
const OWN = '0f9c3f64-3e0e-4f0b-8a39-6f1c8d0b5a27'
/** MISP's template of the object `file`. */
const FILE_TEMPLATE = '688c46fb-5edb-40a3-8273-1af7923e2215'

interface FoundFile {
  readonly first: MatchRow
  readonly rules: string[]
}

export async function* mispLines(matches: AsyncIterable<MatchRow> | Iterable<MatchRow>): AsyncGenerator<string> {
  const files = await filesOf(matches)
  const newest = [...files.values()].reduce((latest, { first }) => Math.max(latest, first.created), 0)
  const day = (newest > 0 ? toIso(newest) : new Date().toISOString()).slice(0, 10)
  const rules = new Set([...files.values()].flatMap(({ rules }) => rules))
  yield `${JSON.stringify({
    Event: {
      uuid: v5(JSON.stringify([...files.keys(), ...rules]), OWN),
      info: `YARA matches: ${files.size} samples, ${rules.size} rules`,
      date: day,
      // Undefined, initial, for one's own organisation only: whoever imports it decides.
      threat_level_id: '4',
      analysis: '0',
      distribution: '0',
      Object: [...files.values()].map(objectOf),
    },
  })}\n`
}

async function filesOf(matches: AsyncIterable<MatchRow> | Iterable<MatchRow>): Promise<Map<string, FoundFile>> {
  const files = new Map<string, FoundFile>()
  let count = 0
  for await (const match of matches) {
    if (++count > MOST_MATCHES) {
      throw new Failure(
        'parameter.out-of-range',
        `Parameter not in expected range: a MISP event takes up to ${MOST_MATCHES} matches; filter for fewer, or export STIX`,
      )
    }
    const file = files.get(match.sha1) ?? { first: match, rules: [] }
    file.rules.push(`${match.ruleset}/${match.rule}`)
    files.set(match.sha1, file)
  }
  return files
}

function objectOf({ first, rules }: FoundFile) {
  const { sha1, sha256, md5, filename, fileSize, classification } = first
  const isGoodware = classificationNames[classification] === 'goodware'
  const attribute = (relation: string, type: string, value: string | number | null, indicates: boolean) =>
    value === null
      ? []
      : [
          {
            uuid: v5(JSON.stringify([sha1, relation, value]), OWN),
            object_relation: relation,
            type,
            value: String(value),
            to_ids: indicates && !isGoodware,
            disable_correlation: type === 'size-in-bytes',
          },
        ]
  return {
    uuid: v5(sha1, OWN),
    name: 'file',
    'meta-category': 'file',
    template_uuid: FILE_TEMPLATE,
    template_version: '25',
    comment: `matched ${[...new Set(rules)].join(', ')}`,
    Attribute: [
      ...attribute('filename', 'filename', filename || null, false),
      ...attribute('size-in-bytes', 'size-in-bytes', fileSize, false),
      ...attribute('md5', 'md5', md5, true),
      ...attribute('sha1', 'sha1', sha1, true),
      ...attribute('sha256', 'sha256', sha256, true),
    ],
  }
}
