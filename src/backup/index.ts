/** Backups of a data folder, and data folders of backups. */
export { type BackupMade, type BackupOptions, makeBackup } from './making.ts'
export { type Restored, type RestoreOptions, restoreBackup, verifyBackup } from './restoring.ts'
