export { type ArchiveLimits, Archives, type Member, type Unpacked } from './archives.ts'
export { zipForDownload } from './zip-download.ts'
