import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// Types are stripped and modules compiled once, not at every start; worker processes inherit the folder.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/backtrail', import.meta.url))
enableCompileCache(process.env.NODE_COMPILE_CACHE)

const { runCommandLine } = await import('./cli/index.ts')
process.exitCode = await runCommandLine(process.argv)
