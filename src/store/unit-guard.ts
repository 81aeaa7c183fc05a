import { AsyncLocalStorage } from 'node:async_hooks'
import type { Repositories } from './store.ts'
import type { UnitName } from './units-of-work.ts'

interface OpenUnit {
  readonly name: UnitName
  isOpen: boolean
}

type Methods = Readonly<Record<string, (...given: unknown[]) => Promise<unknown>>>

/**
 * Refuses a call of the store itself by what runs inside a unit of work of that store. On one connection the call would
 * wait for the end of the unit, and the unit for the call; on several it would see and write things outside of the unit.
 * What a unit has begun without waiting for it is refused as well until the unit ends, and not any more after that.
 */
export class UnitGuard {
  readonly #units = new AsyncLocalStorage<OpenUnit>()

  /** The same repositories, whose methods reject inside a unit. */
  guard(repositories: Repositories): Repositories {
    const guarded = Object.entries(repositories as unknown as Record<string, Methods>).map(([noun, methods]) => [
      noun,
      Object.fromEntries(
        Object.entries(methods).map(([verb, method]) => [verb, this.#guarded(`${noun}.${verb}`, method)]),
      ),
    ])
    return Object.fromEntries(guarded)
  }

  /** Throws inside a unit. */
  demandNoUnit(call: string): void {
    const unit = this.#units.getStore()
    if (unit?.isOpen)
      throw new Error(
        `${call} of the store was called inside the unit of work "${unit.name}", for whose end it would wait for ever: inside a unit, use the repositories that it is given.`,
      )
  }

  /** Runs the work of a unit. */
  async run<T>(name: UnitName, work: () => Promise<T>): Promise<T> {
    const unit: OpenUnit = { name, isOpen: true }
    try {
      return await this.#units.run(unit, work)
    } finally {
      unit.isOpen = false
    }
  }

  #guarded(call: string, method: Methods[string]): Methods[string] {
    return async (...given) => {
      this.demandNoUnit(call)
      return method(...given)
    }
  }
}
