/** Users are notified of new matches, ended hunts and suspended rulesets, by webhooks. */
export { Bell, MOST_COUNTED, type Unread } from './bell.ts'
export {
  type ChannelRequest,
  type ChannelState,
  MOST_CHANNELS,
  Notifications,
} from './notifications.ts'
export { MOST_ATTEMPTS } from './sender.ts'
