import { useState } from 'react'
import { useRules } from '../api/rules.ts'
import styles from './rule-meta.module.css'

type Meta = Readonly<Record<string, string | number | boolean>>

/** A rule's name, and on request what its text says about it: author, description, references and the like. */
export function AboutRule({ ruleset, rule }: { readonly ruleset: string; readonly rule: string }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details className={styles.about} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{rule}</summary>
      {isOpen && <LoadedMeta ruleset={ruleset} rule={rule} />}
    </details>
  )
}

function LoadedMeta({ ruleset, rule }: { readonly ruleset: string; readonly rule: string }) {
  const rules = useRules(ruleset)
  if (rules.isError && !rules.data) return <p className={styles.none}>{rules.error.message}</p>
  if (!rules.data) return <p className={styles.none}>Loading …</p>
  const found = rules.data.results.find(({ name }) => name === rule)
  return found ? <RuleMeta meta={found.meta} /> : <p className={styles.none}>Its ruleset has no such rule now.</p>
}

export function RuleMeta({ meta }: { readonly meta: Meta }) {
  const entries = Object.entries(meta)
  if (entries.length === 0) return <p className={styles.none}>Its text says nothing about it.</p>
  return (
    <dl className={styles.meta}>
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{isLink(value) ? <Outside address={value} /> : String(value)}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Texts of rules come from strangers: nothing but the web is linked to, and it learns nothing of this page. */
function Outside({ address }: { readonly address: string }) {
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow">
      {address}
    </a>
  )
}

function isLink(value: string | number | boolean): value is string {
  if (typeof value !== 'string' || !/^https?:\/\/\S+$/i.test(value)) return false
  return URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol)
}
