import { catalogue, type FailureCode } from './catalogue.ts'

/**
 * An expected failure: something from outside was refused, for a reason that the message tells. Everything else that is
 * thrown is a defect, and ends the piece it happened in.
 */
export class Failure extends Error {
  readonly code: FailureCode
  /** Machine-readable particulars, sent to clients as `detail` where the envelope has one. */
  readonly detail: Readonly<Record<string, unknown>>

  /** `message` defaults to the catalogue's sentence; give one where naming the value at fault helps the reader. */
  constructor(code: FailureCode, message?: string, detail: Readonly<Record<string, unknown>> = {}) {
    super(message ?? catalogue[code].message)
    this.name = 'Failure'
    this.code = code
    this.detail = detail
  }

  /** The HTTP status that the catalogue ties to this code. */
  get status(): number {
    return catalogue[this.code].status
  }
}
