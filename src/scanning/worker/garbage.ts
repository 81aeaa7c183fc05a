import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Memory of the engine is native, and given back only when its handles are collected. V8 lets that be asked for under an
 * option. On the command line the option would keep it from using what is compiled already of Node's own modules, a third of what
 * the start of a process takes. So it is on for a moment here.
 */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) {
    setFlagsFromString('--expose-gc')
    globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction
    setFlagsFromString('--no-expose-gc')
  }
  globalThis.gc()
}
