import { createRequire } from 'node:module'
import { programVersion, type Settings } from '../settings/index.ts'

const require = createRequire(import.meta.url)

/** The builds of the engines that most machines run rules with. */
const USUAL = ['@litko/yara-x-linux-x64-gnu', 'yara-x-1-20']

/**
 * What processes that share work must have in common: the version of the program, and the builds of the engines, since these
 * do not compile the same texts. It is told without loading an engine.
 */
export function workVersion(engine: Settings['engine']): string {
  if (engine === 'wasm') return `${programVersion} with WebAssembly`
  const { platform, arch } = process
  const isUsual = platform === 'linux' && arch === 'x64' && USUAL.every(isInstalled)
  return isUsual ? programVersion : `${programVersion} with the engines of ${platform} ${arch}`
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}
