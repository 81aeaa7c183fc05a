export {
  type Bounds,
  type Condition,
  type HashKind,
  literalOf,
  type NumberField,
  type Pattern,
  type ProgramField,
  type TextField,
} from './condition.ts'
export { fieldsOfQueries, type QueryField } from './fields.ts'
export { MOST_CHARACTERS, type ParsedQuery, parseQuery, parseQueryObject, type QueryProblem } from './parse.ts'
