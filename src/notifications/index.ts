/** Users are notified of new matches, ended hunts and suspended rulesets, by webhooks and mails. */
export { Bell, MOST_COUNTED, type Unread } from './bell.ts'
export { mailAccess } from './mail-post.ts'
export { type ChannelRequest, type ChannelState, Notifications } from './notifications.ts'
