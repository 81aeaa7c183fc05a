export type { Adoptable, BlobStore, Content } from './blob-store.ts'
export { asStorageFailure, FileBlobs, type Leftovers } from './file-blobs.ts'
