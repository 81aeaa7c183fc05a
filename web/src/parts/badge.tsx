import type { ReactNode } from 'react'
import styles from './badge.module.css'

export type Tone = 'malicious' | 'suspicious' | 'goodware' | 'unknown' | 'information'

/** A word on a wash of colour; the word alone says everything. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return <span className={`${styles.badge} ${styles[tone]}`}>{children}</span>
}

export const classifications = ['unknown', 'goodware', 'suspicious', 'malicious'] as const
export type ClassificationName = (typeof classifications)[number]

/** By the name, or by the number that the YARA API uses. */
export function Classification({ of }: { readonly of: ClassificationName | number | string }) {
  const name = typeof of === 'number' ? (classifications[of] ?? 'unknown') : of
  const tone = classifications.find((each) => each === name) ?? 'unknown'
  return <Badge tone={tone}>{name}</Badge>
}
