export { bytesInWords } from './bytes-in-words.ts'
export { catalogue, type FailureCode } from './catalogue.ts'
export { Failure } from './failure.ts'
export { messageOf, traceOf } from './trace.ts'
