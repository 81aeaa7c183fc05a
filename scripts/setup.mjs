// Runs before `npm start` and `npm test`, under whatever Node the machine has (20 or later), installs the locked
// dependencies when they are missing or when the lockfile has changed since the last install, and builds the server and
// the web application when they are missing or older than their source. The project's own Node comes with the dependencies: npm puts
// node_modules/.bin first on the PATH of the script that runs next. This one must run under the Node that npm runs under
// (`npm_node_execpath`), to be able to say why the project's own does not start.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { problemOfOwnNode } from './own-node.mjs'
import { buildServer, isServerBuilt } from './server-build.mjs'
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

if (!isInstalled() || !isServerBuilt(root) || !isWebBuilt(root)) {
  await takeLock()
  try {
    if (!isInstalled()) install()
    else demandOwnNode()
    if (!isServerBuilt(root)) build('server', buildServer)
    if (!isWebBuilt(root)) build('web application', buildWeb)
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}
// Also when nothing was to do: the folder may have come from another machine.
demandOwnNode()

function build(what, how) {
  console.log(`Building the ${what} (again only when its source changes) …`)
  const failure = how(root)
  if (failure) fail(`the ${what} could not be built: ${failure}; its messages are above`)
}

function install() {
  console.log('Installing the locked dependencies (once; needs the npm registry) …')
  const outcome = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (outcome.status !== 0) fail(`npm ci ended with status ${outcome.status}; its messages are above`)
  lendNode()
  demandOwnNode()
  writeFileSync(mark, wanted)
}

/** The project's own Node is built for some machines only; on others, that of the machine serves if it is new enough. */
function lendNode() {
  if (existsSync(ownNode) || Number(process.versions.node.split('.')[0]) < 26) return
  mkdirSync(join(modules, '.bin'), { recursive: true })
  rmSync(ownNode, { force: true })
  symlinkSync(process.execPath, ownNode)
}

function demandOwnNode() {
  const problem = problemOfOwnNode(ownNode)
  if (problem !== null) fail(problem)
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
