/** Heavy steps of hunts, of intake and of the index: done by the server alone, or shared with the nodes of a cluster. */
export { IndexUse } from './index-use.ts'
export type { JobInput, JobKind, JobOutput, SampleToExamine, SampleToVerify } from './job.ts'
export { type Jobs, LocalJobs, type ShareOptions } from './jobs.ts'
export { LiveNodes } from './live-nodes.ts'
export { NodeLoop } from './node-loop.ts'
export { SharedJobs } from './shared-jobs.ts'
export { Work, type WorkParts } from './work.ts'
export { workVersion } from './work-version.ts'
