import { useState } from 'react'
import { isWanted, useCloudStatus, useCloudTime } from '../../api/cloud.ts'
import { Switch } from '../../parts/switch.tsx'

/** Whether a save is to have the ruleset run in the cloud too. */
export interface CloudChoice {
  /** What a save asks for; what is so now, until the switch is touched. */
  readonly isOn: boolean
  /** The switch says something else than what is so. */
  readonly isChanged: boolean
  readonly change: (isOn: boolean) => void
  /** What was asked for is saved. */
  readonly forget: () => void
}

/** An empty name stands for a ruleset that is not there yet. */
export function useCloudChoice(name: string, isSynced = false): CloudChoice {
  const status = useCloudStatus(name)
  const [asked, setAsked] = useState<boolean | null>(null)
  const isSo = isSynced || (status.data !== undefined && isWanted(status.data))
  const isOn = asked ?? isSo
  return { isOn, isChanged: isOn !== isSo, change: setAsked, forget: () => setAsked(null) }
}

/** Only where the appliance has a cloud. */
export function CloudSwitch({
  choice,
  isDisabled = false,
}: {
  readonly choice: CloudChoice
  readonly isDisabled?: boolean
}) {
  const { data: time } = useCloudTime()
  if (typeof time !== 'string') return null
  return (
    <Switch label="Also in the cloud" isOn={choice.isOn} isDisabled={isDisabled} onChange={choice.change}>
      Also in the cloud
    </Switch>
  )
}
