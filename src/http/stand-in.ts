/**
 * A stand-in for services that are still to come: routes are built with it, and what they ask of it later is asked of the real
 * ones. To ask before they are there is a defect, and fails.
 */
export interface StandIn<Services extends object> {
  readonly services: Services
  /** From now on all is passed on to these. */
  become(services: Services): void
}

export function standIn<Services extends object>(): StandIn<Services> {
  let real: Services | null = null
  return {
    services: partOf(() => real, 'the services') as Services,
    become(services) {
      real = services
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: of any shape
type Anything = any

/** `find` gives the real part, or null while it is to come. */
function partOf(find: () => Anything, name: string): unknown {
  return new Proxy(() => {}, {
    get(_, property) {
      const owner = find()
      if (owner !== null) {
        const value = owner[property]
        return typeof value === 'function' ? value.bind(owner) : value
      }
      // Nothing that can be waited for.
      if (typeof property === 'symbol' || property === 'then') return undefined
      return partOf(() => find()?.[property] ?? null, `${name}.${property}`)
    },
    apply(_, self, given) {
      const work = find()
      if (work === null) throw new Error(`${name} was called before there was one.`)
      return Reflect.apply(work, self, given)
    },
  })
}
