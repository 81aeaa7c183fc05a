export type { BlobStore, Content, StagedContent } from './blob-store.ts'
export { realDisk } from './disk.ts'
export { asStorageFailure, FileBlobs, type Leftovers } from './file-blobs.ts'
