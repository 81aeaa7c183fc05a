import { useCallback, useMemo } from 'react'
import { useSearchParams } from 'react-router'

type Values = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** Changes some of the values; those that are not named stay. Going back in the browser undoes it, unless `replace`. */
export type Change<T> = (changes: Partial<T>, how?: { readonly replace?: boolean }) => void

/**
 * What a list shows (its search, filters, order, page), kept in the address, so that it can be sent to a colleague.
 * `initial` has the value and the type of each; values equal to it are left out of the address. It must not change
 * between renders.
 */
export function useAddressState<T extends Values>(initial: T): readonly [T, Change<T>] {
  const [parameters, setParameters] = useSearchParams()
  const values = useMemo(() => {
    const entries = Object.entries(initial).map(([name, preset]) => [name, read(parameters, name, preset)])
    return Object.fromEntries(entries) as T
  }, [parameters, initial])

  const change = useCallback<Change<T>>(
    (changes, { replace = false } = {}) => {
      setParameters(
        (before) => {
          const after = new URLSearchParams(before)
          for (const [name, value] of Object.entries(changes)) {
            after.delete(name)
            if (String(value) === String(initial[name])) continue
            for (const each of Array.isArray(value) ? value : [value]) after.append(name, String(each))
          }
          return after
        },
        // At once, and not when React finds time: a field that is filled before would be forgotten with the next one.
        { replace, flushSync: true },
      )
    },
    [setParameters, initial],
  )
  return [values, change]
}

function read(parameters: URLSearchParams, name: string, preset: Values[string]): Values[string] {
  const given = parameters.get(name)
  if (given === null) return preset
  if (Array.isArray(preset)) return parameters.getAll(name)
  if (typeof preset === 'number') return /^\d{1,9}$/.test(given) ? Number(given) : preset
  if (typeof preset === 'boolean') return given === 'true'
  return given
}
