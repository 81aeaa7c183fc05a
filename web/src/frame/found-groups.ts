/** What a search has found, as links in groups. */
import { addressOf } from '../api/http.ts'
import { addressOfRuleset } from '../api/rulesets.ts'
import type { Found } from '../api/search.ts'
import { count } from '../parts/numbers.ts'

export interface FoundLink {
  readonly to: string
  readonly title: string
  readonly detail: string
  readonly isCode?: boolean
}

export interface FoundGroup {
  readonly title: string
  readonly links: readonly FoundLink[]
}

/** Characters of a query that still fit into an address. */
const LONGEST_QUERY = 4_000

export function groupsOf(found: Found, asked: string): readonly FoundGroup[] {
  const groups: FoundGroup[] = [
    { title: 'Samples', links: [...samplesOf(found), ...allSamples(found, asked)] },
    { title: 'Rulesets', links: rulesetsOf(found, asked) },
    {
      title: 'Rules',
      links: found.rules.map(({ ruleset, rule, line }) => ({
        to: placeIn(ruleset, line),
        title: rule ?? '',
        detail: `in ${ruleset}`,
      })),
    },
    {
      title: 'Text in rules',
      links: found.lines.map(({ ruleset, rule, line, text }) => ({
        to: placeIn(ruleset, line),
        title: text,
        detail: `${ruleset}${rule === null ? '' : `: ${rule}`}, line ${line}`,
        isCode: true,
      })),
    },
    { title: 'Tags', links: tagsOf(found) },
    {
      title: 'Hunts',
      links: found.hunts.map(({ id, title, state, user }) => ({
        to: `/hunts/${id}`,
        title: title ?? `Hunt ${id}`,
        detail: [state, user && `by ${user}`].filter(Boolean).join(', '),
      })),
    },
  ]
  return groups.filter(({ links }) => links.length > 0)
}

const placeIn = (ruleset: string, line: number): string => addressOf(addressOfRuleset(ruleset), { line })

function samplesOf({ samples }: Found): FoundLink[] {
  return samples.map(({ sha256, sha1, name, file_type, classification }) => ({
    to: `/samples/${sha256 ?? sha1}`,
    title: name,
    detail: [file_type, classification, `${(sha256 ?? sha1).slice(0, 12)}…`].filter(Boolean).join(', '),
  }))
}

/** The way to the list of samples, which has all of them. */
function allSamples({ samples, more_samples, hashes }: Found, asked: string): FoundLink[] {
  if (hashes === null && !more_samples) return []
  const query = hashes === null ? quoted(asked) : samples.map(({ sha256, sha1 }) => sha256 ?? sha1).join(' ')
  if (samples.length === 0 || query.length > LONGEST_QUERY) return []
  return [{ to: addressOf('/samples', { q: query }), title: 'All of them in the list of samples', detail: '' }]
}

const quoted = (text: string): string => (/^\w+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`)

function rulesetsOf({ rulesets, rulesets_count: all }: Found, asked: string): FoundLink[] {
  const links = rulesets.map(({ name, owner, status }) => ({
    to: addressOfRuleset(name),
    title: name,
    detail: `${status}, by ${owner}`,
  }))
  if (all <= links.length) return links
  return [
    ...links,
    { to: addressOf('/rulesets', { search: asked }), title: `All ${count(all)} rulesets in their list`, detail: '' },
  ]
}

function tagsOf({ tags }: Found): FoundLink[] {
  return [
    ...tags.samples.map((tag) => ({ to: addressOf('/samples', { tag }), title: tag, detail: 'on samples' })),
    ...tags.rulesets.map(({ tag, rulesets }) => ({
      to: addressOf('/rulesets', { tag }),
      title: tag,
      detail: rulesets === 1 ? 'on 1 ruleset' : `on ${count(rulesets)} rulesets`,
    })),
  ]
}
