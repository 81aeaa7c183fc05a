import type { ExportFormat } from '../../api/matches.ts'

/** What matches are exported as. */
export const formats: readonly { readonly id: ExportFormat; readonly title: string }[] = [
  { id: 'csv', title: 'CSV' },
  { id: 'json', title: 'JSON' },
  { id: 'hashes', title: 'List of hashes' },
  { id: 'stix', title: 'STIX 2.1' },
  { id: 'misp', title: 'MISP event' },
]
