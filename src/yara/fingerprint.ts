import type { SourceFile } from './syntax.ts'
/** Rule name to a stable hash of everything that decides what the rule matches. */
export declare function fingerprints(file: SourceFile, text: string): Map<string, string>
