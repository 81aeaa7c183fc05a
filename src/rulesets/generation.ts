import type { Repositories, UnitOfWork } from '../store/index.ts'

const KEY = 'ruleset-generation'

/** The generation of the enabled set: 0 for an installation that never had a ruleset. */
export async function readGeneration({ settings }: Repositories): Promise<number> {
  return Number((await settings.find(KEY)) ?? 0)
}

/** To be called in the unit of work that changes what runs. Returns the new generation. */
export async function nextGeneration({ settings }: UnitOfWork): Promise<number> {
  return settings.increment(KEY)
}
