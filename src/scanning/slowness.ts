import type { EngineChoice } from './engine.ts'

/** For people who start a server or a command whose scans run on the WebAssembly build of the engine. */
export function slownessWarning(choice: EngineChoice): string {
  const why =
    choice === 'wasm'
      ? '--engine wasm was asked for'
      : `there is no native build of it for ${process.platform} on ${process.arch}, or this system cannot load it`
  return `Rules run on the WebAssembly build of YARA-X, since ${why}: scans find the same and are several times slower.`
}
