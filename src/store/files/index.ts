export {
  type Content,
  type ContentLease,
  type ContentStore,
  type StagedContent,
  whileAllLeased,
  whileLeased,
} from './content-store.ts'
export { realDisk } from './disk.ts'
export { takeOverEarlierFolder } from './earlier-folder.ts'
export { asStorageFailure, FileContents } from './file-contents.ts'
export { CONTENTS_FOLDER, contentFile, contentFolders, isContentName } from './layout.ts'
export { type Leftovers, Scratch } from './scratch.ts'
