import type { UnitOfWork } from '../store/index.ts'

/** The label of tokens that log-ins have made. */
export const LOG_IN_LABEL = 'log-in'

/** Ends what log-ins of the user have made: sessions, and tokens. Tokens with a label of their own stay. */
export async function endLogIns({ tokens, sessions }: UnitOfWork, userId: number): Promise<void> {
  await tokens.deleteLabelled(userId, LOG_IN_LABEL)
  await sessions.deleteAll(userId)
}
