// Runs before `npm start` and `npm test`, under whatever Node the machine has (20 or later), installs the locked
// dependencies when they are missing or when the lockfile has changed since the last install, and builds the web
// application when it is missing or older than its source. The project's own Node comes with the dependencies: npm puts
// node_modules/.bin first on the PATH of the script that runs next.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildWeb, isWebBuilt } from './web-build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const mark = join(modules, '.backtrail-installed')
const lock = join(root, '.backtrail-setup.lock')
const ownNode = join(modules, '.bin', 'node')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

const isInstalled = () => existsSync(mark) && readFileSync(mark, 'utf8') === wanted && existsSync(ownNode)

if (!isInstalled() || !isWebBuilt(root)) {
  await takeLock()
  try {
    if (!isInstalled()) install()
    if (!isWebBuilt(root)) build()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function build() {
  console.log('Building the web application (again only when its source changes) …')
  const failure = buildWeb(root)
  if (failure) fail(`the web application could not be built: ${failure}; its messages are above`)
}

function install() {
  console.log('Installing the locked dependencies (once; needs the npm registry) …')
  const outcome = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (outcome.status !== 0) fail(`npm ci ended with status ${outcome.status}; its messages are above`)
  let version = ''
  try {
    version = execFileSync(ownNode, ['--version'], { encoding: 'utf8' }).trim()
  } catch {
    fail(
      `the project's own Node is not there. It comes as an optional dependency for Linux on x86-64; ` +
        `this machine is ${process.platform} on ${process.arch}, or npm was told to omit optional dependencies`,
    )
  }
  if (Number(version.slice(1).split('.')[0]) < 26)
    fail(`the project's own Node is ${version}, and 26 or later is needed`)
  writeFileSync(mark, wanted)
}

/** Waits until no other set-up runs in this checkout. A lock older than 15 minutes belongs to a set-up that died. */
async function takeLock() {
  for (;;) {
    try {
      mkdirSync(lock)
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    try {
      if (Date.now() - statSync(lock).mtimeMs > 15 * 60_000) rmSync(lock, { recursive: true, force: true })
    } catch {
      // It went between the two calls.
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function fail(reason) {
  console.error(`Set-up failed: ${reason}.`)
  rmSync(lock, { recursive: true, force: true })
  process.exit(1)
}
