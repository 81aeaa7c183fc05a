import type { Checker } from '../rulesets/index.ts'

/** The engine that runs an ordinary rule, with its version; empty where no worker can say it now. */
export async function engineOf(checker: Checker): Promise<string> {
  const { engine = '' } = await checker.check('rule ordinary { condition: true }').catch(() => ({ engine: '' }))
  return engine
}
