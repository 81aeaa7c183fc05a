/**
 * The protocol between a manager and the appliances that share rulesets through it. No I/O.
 *
 * The manager keeps one log of all changes. An appliance asks for what is behind its position (`follow`, which waits for
 * news), fetches texts by their digest, and sends what its users publish; a change names the sequence that it replaces,
 * and is refused where that is not the newest of its name. Whatever the manager answers is signed together with a number
 * that the appliance has just made up: neither somebody else's word nor an older answer passes for it.
 */
export { chainOf, setDigest } from './digests.ts'
export { limits } from './limits.ts'
export { managerPath, managerRoutes } from './routes.ts'
export {
  ApplianceReport,
  EntryJson,
  FollowAnswer,
  FollowRequest,
  Identity,
  PublishAnswer,
  PublishRequest,
  SignedAnswer,
  SnapshotAnswer,
  SnapshotRequest,
} from './shapes.ts'
export { isSigned, newKey, newNonce, publicKeyOf, readPublicKey, sign } from './signatures.ts'
