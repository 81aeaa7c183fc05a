import type { SourceUpdates } from '../store/index.ts'

/** What a source does by itself, in the words of our own API, the command line and the page. */
export const modes = { none: 'manual', known: 'update', all: 'import' } as const satisfies Record<SourceUpdates, string>
