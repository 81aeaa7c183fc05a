/** Why nothing is published: this appliance is in no cluster, which administrators can change, and others cannot. */
import { type Account, may } from '../../accounts/index.ts'
import { Failure } from '../../errors/index.ts'

const notEnabled = 'YARA synchronization is not enabled on this appliance'

/** Where publishing is all that was asked for, or nothing is done without it. */
export function publishRefusal(caller: Account): Failure {
  return may(caller, 'rulesets.publish')
    ? new Failure('publish.refused', `Nothing was published: ${notEnabled}.`)
    : new Failure('publish.refused')
}

/** Where the rest of what was asked for is done all the same; `done` says what. */
export function notPublished(caller: Account, done: string): string {
  return may(caller, 'rulesets.publish')
    ? `${done}; not published: ${notEnabled}.`
    : 'Publish requests with non-admin token - not published'
}
