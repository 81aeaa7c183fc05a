import { useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import { isPlainName, isRulesetName, RULESET_NAMES } from '../../../../src/rulesets/ruleset-name.ts'
import { useHuntRules } from '../../api/hunts.ts'
import { addressOfRuleset, leftOutWords, useSaveRuleset } from '../../api/rulesets.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { TextField } from '../../parts/field.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { CloudSwitch, useCloudChoice } from './cloud-choice.tsx'
import styles from './ruleset-page.module.css'
import { type SaveHow, Workbench } from './workbench.tsx'

const noName = { name: '' }

/** With `?hunt=7` it begins with the text of that hunt. */
export function Component() {
  const hunt = Number(useSearchParams()[0].get('hunt') ?? 0)
  const texts = useHuntRules(hunt)
  if (hunt > 0 && texts.isError) return <Problem error={texts.error} onRetry={() => void texts.refetch()} />
  if (hunt > 0 && !texts.data) return <PageHead title="New ruleset" about="Loading …" />
  const given = texts.data?.results[0]?.content ?? ''
  return <NewRuleset key={hunt} given={given} draftName={hunt > 0 ? `?hunt=${hunt}` : ''} />
}

function NewRuleset({ given, draftName }: { readonly given: string; readonly draftName: string }) {
  // In the address, as the fields of a new hunt are: so it is there after a reload, and after a log-in in between.
  const [{ name }, setAsked] = useAddressState(noName)
  const [isNameMissing, setNameMissing] = useState(false)
  const save = useSaveRuleset()
  const cloud = useCloudChoice('')
  const navigate = useNavigate()

  const onSave = async (content: string, _: number, { partial }: SaveHow): Promise<number | null> => {
    if (!isRulesetName(name)) {
      setNameMissing(true)
      return null
    }
    try {
      const text = { name, content, replaces: 0, isForCloud: cloud.isOn, isPartial: partial }
      const saved = await save.mutateAsync(text)
      const { runs, revision, note = '' } = saved
      if (runs)
        notifyDone(
          `${name} is saved and enabled: samples that arrive are matched from now on. ${leftOutWords(saved)} ${note}`.trimEnd(),
        )
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
        draftName={draftName}
        given={given}
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
              setAsked({ name: next }, { replace: true })
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
