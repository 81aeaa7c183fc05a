/**
 * The protocol between an appliance and a cloud: Spectra Intelligence's YARA hunting (TCA-0303), YARA retro hunting
 * (TCA-0319) and file upload (TCA-0202). Both sides import the same addresses, shapes and ways to write things from
 * here; there is no I/O in it.
 *
 * Requests carry HTTP Basic credentials. Answers are JSON; refusals are one sentence of plain text with a status.
 */
export { toBase64 } from './base64.ts'
export { type FeedKind, feedEnd, feedNames, firstSecondOf } from './feed.ts'
export { limits } from './limits.ts'
export { type TcaRoute, tcaPath, tcaRoutes } from './routes.ts'
export {
  Feed,
  FeedEntry,
  FeedRule,
  NewRuleset,
  type RetroState,
  RetroStatus,
  RulesetAccepted,
  RulesetInfo,
  RulesetNamed,
  RulesetText,
  Usage,
} from './shapes.ts'
export { fromMailTime, fromPlainTime, toMailTime, toPlainTime } from './times.ts'
