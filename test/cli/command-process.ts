/**
 * A process that runs one command line after the other, with what was built of the program, and gives back what each has
 * printed: most of what a command takes is the start of its process. `running.ts` sends it those that it has seen run by the
 * program itself.
 */
import { Readable } from 'node:stream'

export interface Asked {
  readonly parameters: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly input: string
}

const [, , commandLine = ''] = process.argv
const { runCommandLine } = (await import(commandLine)) as { runCommandLine(argv: readonly string[]): Promise<number> }
const umask = process.umask()
const own = ['NODE_COMPILE_CACHE', 'NODE_CHANNEL_FD', 'GLIBC_TUNABLES']
// Each command listens for its reader to go.
process.stdout.setMaxListeners(0)

const printed = { stdout: '', stderr: '' }
for (const name of ['stdout', 'stderr'] as const) {
  process[name].write = ((piece: string | Uint8Array, ...rest: readonly unknown[]) => {
    printed[name] += typeof piece === 'string' ? piece : Buffer.from(piece).toString()
    const done = rest.at(-1)
    if (typeof done === 'function') process.nextTick(done as () => void)
    return true
  }) as typeof process.stdout.write
}

process.on('disconnect', () => process.exit())
process.on('message', async ({ parameters, env, cwd, input }: Asked) => {
  for (const name of Object.keys(process.env)) if (!own.includes(name)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(cwd)
  process.umask(umask)
  Object.defineProperty(process, 'stdin', {
    value: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    configurable: true,
  })
  Object.assign(printed, { stdout: '', stderr: '' })
  const code = await runCommandLine([process.execPath, 'backtrail', ...parameters])
  process.send?.({ code, ...printed })
})
