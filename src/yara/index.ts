/** The YARA language: text in, syntax tree and diagnostics out. Nothing here reads or writes anything. */
export { defaultBudget, type ParseBudget } from './budget.ts'
export { Diagnostics } from './diagnostics.ts'
export { printExpression, printRegexp, printSource } from './dump.ts'
export { fingerprints } from './fingerprint.ts'
export { parse } from './parse.ts'
export type * from './syntax.ts'
