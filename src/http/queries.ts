/** Queries of the sample search as requests carry them. */
import { Failure } from '../errors/index.ts'
import { type Condition, type ParsedQuery, parseQuery, parseQueryObject } from '../query/index.ts'

/**
 * Null for a query that asks for nothing. Fails with `query.malformed`; `detail` has the characters at fault, from 0,
 * `to` behind the last.
 */
export function readQuery(query: string | Readonly<Record<string, unknown>>): Condition | null {
  const { condition, problem }: ParsedQuery = typeof query === 'string' ? parseQuery(query) : parseQueryObject(query)
  if (problem === null) return condition
  const { message, from, to } = problem
  throw new Failure('query.malformed', `The query cannot be understood at character ${from + 1}: ${message}`, {
    parameters: [{ name: 'query', problem: message }],
    from,
    to,
  })
}
