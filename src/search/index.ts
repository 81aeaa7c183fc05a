export type { FoundInRules } from './rule-texts.ts'
export { type EverythingFound, Search } from './search.ts'
