import { useMemo, useRef, useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import {
  isNewRulesetName,
  isPlainName,
  NO_ADDRESS_SIGNS,
  RULESET_NAMES,
} from '../../../../src/rulesets/ruleset-name.ts'
import { useHuntRules } from '../../api/hunts.ts'
import { addressOfRuleset, leftOutWords, useSaveRuleset } from '../../api/rulesets.ts'
import { useUser } from '../../api/session.ts'
import { readDraft } from '../../editor/draft.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { TextField } from '../../parts/field.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { CloudSwitch, useCloudChoice } from '../ruleset/cloud-choice.tsx'
import type { OnSave } from './save.ts'
import { Workbench } from './workbench.tsx'
import styles from './workbench-page.module.css'

/** Of a ruleset to be; runs are called so too. In the address, so that it is there after a reload or a log-in. */
const noName = { ruleset: '' }

/** A text that is no ruleset yet: an empty one, that of a hunt with `?hunt=7`, or the one of `?text=…`. */
export function Component() {
  const [parameters] = useSearchParams()
  const hunt = Number(parameters.get('hunt') ?? 0)
  const text = parameters.get('text') ?? ''
  const texts = useHuntRules(hunt)
  // What is made of a given text is kept apart from other drafts, so that it takes the place of none.
  const draftName = hunt > 0 ? `?hunt=${hunt}` : text === '' ? '' : `?text=${text}`
  const user = useUser()
  const hasDraft = useMemo(() => readDraft(user.name, draftName) !== null, [user.name, draftName])
  // A hunt that was removed takes no text with it that was made of its own.
  if (hunt > 0 && !texts.data && !(texts.isError && hasDraft)) {
    if (texts.isError) return <Problem error={texts.error} onRetry={() => void texts.refetch()} />
    return <PageHead title="Workbench" about="Loading …" />
  }
  const given = texts.data?.results[0]?.content ?? text
  return <NewText key={draftName} given={given} draftName={draftName} />
}

function NewText({ given, draftName }: { readonly given: string; readonly draftName: string }) {
  const [{ ruleset: name }, setAsked] = useAddressState(noName)
  const [isNameMissing, setNameMissing] = useState(false)
  const save = useSaveRuleset()
  const cloud = useCloudChoice('')
  const navigate = useNavigate()
  const nameField = useRef<HTMLDivElement>(null)

  const isReadyToSave = () => {
    if (isNewRulesetName(name)) return true
    setNameMissing(true)
    nameField.current?.querySelector('input')?.focus()
    return false
  }
  const onSave: OnSave = async (content, _, { partial }) => {
    const { pathname } = window.location
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
      setTimeout(() => {
        // Who has gone somewhere else meanwhile stays there.
        if (window.location.pathname === pathname) void navigate(afterSave(name), { replace: true })
      })
      return revision
    } catch (error) {
      notifyFailed(error)
      return null
    }
  }
  return (
    <>
      <PageHead title="Workbench" about="What does this text find among the stored samples? What is good is saved." />
      <Workbench
        draftName={draftName}
        given={given}
        title={name}
        saved={null}
        isSaving={save.isPending}
        onSave={onSave}
        isReadyToSave={isReadyToSave}
      >
        <div ref={nameField} className={styles.name}>
          <TextField
            label="Name"
            value={name}
            maxLength={200}
            onChange={(ruleset) => {
              setAsked({ ruleset }, { replace: true })
              setNameMissing(false)
            }}
            autoComplete="off"
            problem={isNameMissing ? `${RULESET_NAMES}, with ${NO_ADDRESS_SIGNS}` : undefined}
            {...(isNewRulesetName(name) && !isPlainName(name) && { hint: UNUSUAL })}
          />
        </div>
        <CloudSwitch choice={cloud} />
      </Workbench>
    </>
  )
}

/** The page of the ruleset, over the same samples and with what the last run found. */
function afterSave(name: string): string {
  const kept = new URLSearchParams(window.location.search)
  for (const own of ['ruleset', 'hunt', 'text']) kept.delete(own)
  return kept.size === 0 ? addressOfRuleset(name) : `${addressOfRuleset(name)}?${kept}`
}

const UNUSUAL = 'Letters, digits and underscores are easier in scripts: other characters are escaped in addresses.'
