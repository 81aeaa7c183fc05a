import type { Expression, SourceFile } from './syntax.ts'
/** One readable, indented line a node. */
export declare function printExpression(expression: Expression): string
export declare function printSource(file: SourceFile): string
