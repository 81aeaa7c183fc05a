import type { Channel, ChannelEvent } from '../../api/notifications.ts'
import { counted } from '../../parts/numbers.ts'

export const kindTitles: Readonly<Record<Channel['kind'], string>> = {
  webhook: 'Webhook',
  slack: 'Slack',
  teams: 'Teams',
  'e-mail': 'E-mail',
}

export const eventTitles: Readonly<Record<ChannelEvent, string>> = {
  match: 'new matches',
  'local-retro': 'Local Retro runs',
  hunt: 'your hunts',
  suspension: 'suspended rulesets',
}

export function rulesetsInWords(rulesets: Channel['rulesets']): string {
  if (rulesets === 'mine') return 'yours'
  if (rulesets === 'all') return 'all'
  return rulesets.length <= 3 ? rulesets.join(', ') : counted(rulesets.length, 'ruleset')
}
