import { Failure } from '../errors/index.ts'

/** Whether nobody knows if a unit of work became true: the storage did not answer, or no more, while it was committed. */
export function isAnswerLost(error: unknown): boolean {
  return error instanceof Failure && error.code === 'storage.unavailable'
}
