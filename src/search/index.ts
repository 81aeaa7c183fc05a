export type { FoundInRules } from './rule-texts.ts'
export { type EverythingFound, LONGEST_SEARCHED, MOST_HASHES, Search } from './search.ts'
