export type { BlobStore, Content } from './blob-store.ts'
export { FileBlobs } from './file-blobs.ts'
