import { MatchList } from './match-list.tsx'

export function Component() {
  return <MatchList title="Matches" run={null} />
}
