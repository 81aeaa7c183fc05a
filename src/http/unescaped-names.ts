/**
 * Names of rulesets in queries, as the vendor's SDK writes them: unescaped. On the way blanks and letters beyond ASCII are
 * escaped, and what may stand in an address is left as it is. So of `A+B`, a name with a plus sign, `?name=A+B` arrives,
 * which is `A B` by the rules of forms; and of `C&C`, `?name=C&C`, which is `C` and another parameter.
 *
 * What a query says by the rules of forms goes first, so nothing changes for whoever escapes. Where there is no such
 * ruleset, the query is read once more as it stands.
 */
import type { FastifyRequest } from 'fastify'
import { Failure } from '../errors/index.ts'

/** Parameters that may stand beside names in these queries. */
const OTHERS: ReadonlySet<string> = new Set(['page', 'page_size'])

/** What `read` gives for the names of the query; fails as it does for `names`, which are those by the rules of forms. */
export async function readByNames<T>(
  request: FastifyRequest,
  names: readonly string[],
  read: (names: readonly string[]) => Promise<T>,
): Promise<T> {
  try {
    return await read(names)
  } catch (error) {
    const unescaped = unescapedNames(request.url)
    if (!isNoRuleset(error) || unescaped.join('&') === names.join('&')) throw error
    return await read(unescaped).catch((second: unknown) => {
      throw isNoRuleset(second) ? error : second
    })
  }
}

function isNoRuleset(error: unknown): boolean {
  return error instanceof Failure && (error.code === 'ruleset.not-found' || error.code === 'ruleset.name-invalid')
}

/** The values of `name`, each with what follows it up to the next parameter that these queries have. */
export function unescapedNames(url: string): string[] {
  const from = url.indexOf('?')
  const names: string[] = []
  let isInName = false
  for (const piece of from < 0 ? [] : url.slice(from + 1).split('&')) {
    const [key = ''] = piece.split('=', 1)
    if (key === 'name' && piece !== key) {
      names.push(piece.slice('name='.length))
      isInName = true
    } else if (OTHERS.has(key)) isInName = false
    else if (isInName) names.push(`${names.pop()}&${piece}`)
  }
  return names.map(unescaped)
}

/** Without taking a plus sign for a blank. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
