import { useState } from 'react'
import { useNavigate } from 'react-router'
import { isPlainName, isRulesetName, RULESET_NAMES } from '../../../../src/rulesets/ruleset-name.ts'
import { addressOfRuleset, useSaveRuleset } from '../../api/rulesets.ts'
import { TextField } from '../../parts/field.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { CloudSwitch, useCloudChoice } from './cloud-choice.tsx'
import styles from './ruleset-page.module.css'
import { Workbench } from './workbench.tsx'

export function Component() {
  const [name, setName] = useState('')
  const [isNameMissing, setNameMissing] = useState(false)
  const save = useSaveRuleset()
  const cloud = useCloudChoice('')
  const navigate = useNavigate()

  const onSave = async (content: string): Promise<number | null> => {
    if (!isRulesetName(name)) {
      setNameMissing(true)
      return null
    }
    try {
      const text = { name, content, replaces: 0, isForCloud: cloud.isOn }
      const { runs, revision, note } = await save.mutateAsync(text)
      if (runs)
        notifyDone(`${name} is saved and enabled: samples that arrive are matched from now on. ${note ?? ''}`.trimEnd())
      else notifyFailed(`${name} is saved, but it does not compile, so it does not run.`)
      // What is saved must not come back as a draft; the workbench drops it when this has resolved.
      setTimeout(() => void navigate(addressOfRuleset(name), { replace: true }))
      return revision
    } catch (error) {
      notifyFailed(error)
      return null
    }
  }
  return (
    <>
      <PageHead title="New ruleset" />
      <Workbench
        draftName=""
        title={isRulesetName(name) ? name : 'a new ruleset'}
        saved={null}
        isSaving={save.isPending}
        onSave={onSave}
      >
        <div className={styles.name}>
          <TextField
            label="Name"
            value={name}
            onChange={(next) => {
              setName(next)
              setNameMissing(false)
            }}
            autoComplete="off"
            problem={isNameMissing ? RULESET_NAMES : undefined}
            {...(isRulesetName(name) && !isPlainName(name) && { hint: UNUSUAL })}
          />
        </div>
        <CloudSwitch choice={cloud} />
      </Workbench>
    </>
  )
}

const UNUSUAL = 'Letters, digits and underscores are easier in scripts: other characters are escaped in addresses.'
