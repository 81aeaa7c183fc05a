import type { Transaction } from '../store/index.ts'

/** The label of tokens that log-ins have made. */
export const LOG_IN_LABEL = 'log-in'

/** Ends every session of a user, within the caller's transaction. */
export async function closeSessionsOf(trx: Transaction, userId: number): Promise<void> {
  await trx.deleteFrom('sessions').where('user_id', '=', userId).execute()
}

/** Ends what log-ins of the user have made: sessions, and tokens. Tokens with a label of their own stay. */
export async function endLogIns(trx: Transaction, userId: number): Promise<void> {
  await trx.deleteFrom('tokens').where('user_id', '=', userId).where('label', '=', LOG_IN_LABEL).execute()
  await closeSessionsOf(trx, userId)
}
