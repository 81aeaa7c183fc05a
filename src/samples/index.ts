export type { ExtractedFile, KnownName, Sample } from '../store/index.ts'
export { cloudSampleIds, takeOverFromCloud } from './cloud-samples.ts'
export { type ContentsCheckOptions, type ContentsReport, checkContents } from './contents-check.ts'
export { deleteSampleRows, type StillToDelete, withMembers } from './deletion.ts'
export { externalVariables, nameVariables } from './external-variables.ts'
export type { Hash, HashKind } from './hash.ts'
export { parseHash } from './hash.ts'
export { classificationNames, factorOf, type ListedSample, listedFields } from './listed-sample.ts'
export type {
  ClassificationVerdict,
  SampleDetails,
  SampleFilter,
  SamplePage,
  SampleStatus,
} from './sample.ts'
export { sampleStatuses } from './sample.ts'
export { Samples } from './samples.ts'
export { type StaticReport, staticReport } from './static-report.ts'
