/** Which rules hold on which samples, and what that says about the samples. */
export type { CloudFinding, MatchesFound, MatchGroup, MatchRow, MatchSortKey, MatchWalk } from '../store/index.ts'
export { classifyByUser, type OwnClassification, replaceRules } from './classification.ts'
export { clearRetroMatches, moveCloudMatches, recordCloudMatches } from './cloud-matches.ts'
export { Matches, type MatchFilter, type MatchPage } from './matches.ts'
export { revisionIdOf, revisionKey } from './revision-key.ts'
