/**
 * Where everything is kept. The database is a Kysely instance over one SQLite connection: inside a transaction use the
 * transaction's handle only, since a query on the database itself would wait for that same transaction for ever, and
 * await nothing there that takes long, since all other queries wait meanwhile.
 */
export { now, toIso, toIsoOffset } from './clock.ts'
export { type DataFolderLock, lockDataFolder } from './data-folder.ts'
export {
  type Adoptable,
  asStorageFailure,
  type BlobStore,
  type Content,
  FileBlobs,
  type Leftovers,
} from './files/index.ts'
export { refuseLostDatabase } from './lost-database.ts'
export { offsetOf, type Page } from './page.ts'
export type * from './schema.ts'
export { type Database, openDatabase, type Transaction } from './sqlite/database.ts'
export { listOf } from './sqlite/list.ts'
