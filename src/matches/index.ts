/** Which rules hold on which samples, and what that says about the samples. */
export { classifyByUser, type OwnClassification, reclassify, replaceRules } from './classification.ts'
export { type CloudFinding, clearRetroMatches, moveCloudMatches, recordCloudMatches } from './cloud-matches.ts'
export type { MatchesFound, MatchFilter, MatchWalk } from './finding.ts'
export type { MatchRow } from './listing.ts'
export { Matches, type MatchPage } from './matches.ts'
export { revisionIdOf, revisionKey } from './revision-key.ts'
