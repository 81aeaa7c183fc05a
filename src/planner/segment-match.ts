import type { SegmentGroup } from '../index/index.ts'
import type { Plan } from './plan.ts'

export class PlanBatch {
  readonly #plans: readonly Plan[]
  constructor(plans: readonly Plan[]) {
    this.#plans = plans
  }
  candidates(
    _segment: { readonly groups: readonly SegmentGroup[] },
    _admits: ((id: number) => boolean) | null,
  ): Uint32Array[] {
    return this.#plans.map(() => new Uint32Array(0))
  }
}
