export {
  Bucket,
  type BucketSettings,
  ChangedFile,
  type Downloaded,
  type ObjectHead,
  type Patience,
  type StoredObject,
} from './bucket.ts'
export { type FetchCopy, type HeldCopy, LocalCache, type LocalCacheSettings } from './local-cache.ts'
export { CLUSTER_MARKER, demandKnownPrefix, demandOwnPrefix } from './owner.ts'
export { readPlace } from './place.ts'
export { contentFolder, contentKey, DAMAGED_OBJECTS, S3Contents } from './s3-contents.ts'
