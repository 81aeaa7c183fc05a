import type { Selection } from '../store/index.ts'

export type { Selection }

export function isEverything(selection: Selection): boolean {
  return Object.values(selection).every((condition) => condition === undefined)
}
