/*
 * The web application: files that `npm run web` built into web/dist, served as they are.
 *
 * - `/assets/…` carry a hash of their content in their name, so they may be kept for ever. Each is there as brotli and
 *   gzip too.
 * - Every address of the application answers with the same page, whose script then shows what the address names. These
 *   addresses are listed: everything else stays a 404, for which browsers get the page too (src/http/methods.ts).
 * - The page's scripts and styles begin with `./`, which becomes the way to the root of the application: a proxy may show
 *   the server below a path.
 * - The page's policy allows this origin's scripts, styles, fonts and answers, and nothing from anywhere else. Style
 *   elements that libraries make at run time carry a nonce, which is new with every answer; so the page itself is never
 *   kept.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import statics from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { prefixOf } from './addresses.ts'

const builtFiles = fileURLToPath(new URL('../../web/dist', import.meta.url))

/** The first steps of the application's addresses; web/src/routes.tsx has the pages behind them. */
const pageAddresses = [
  'log-in',
  'device',
  'samples',
  'rulesets',
  'workbench',
  'new-ruleset',
  'rule-sources',
  'ruleset-imports',
  'matches',
  'retro',
  'hunts',
  'new-hunt',
  'notifications',
  'shared-rulesets',
  'appliances',
  'administration',
] as const

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers with the page of the web application; what it shows depends on the address. */
    sendPage(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>
  }
}

const YEAR_MS = 365 * 24 * 3_600_000
const notBuilt = 'The web application has not been built yet: run `npm run web` and start the server again.\n'

/** `folder` has what `npm run web` made; without it every page says how to make it. */
export function addWebApplication(app: FastifyInstance, folder: string = builtFiles): void {
  const sendPage = async (request: FastifyRequest, reply: FastifyReply) => {
    // Read anew, since a build may have taken the place of the one that was there at the start.
    const page = await readPage(folder)
    if (page === null) return reply.code(503).type('text/plain; charset=utf-8').send(notBuilt)
    const nonce = randomBytes(16).toString('base64')
    return reply
      .type('text/html; charset=utf-8')
      .headers({
        'content-security-policy': policy(nonce),
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
        'permissions-policy': 'camera=(), microphone=(), geolocation=()',
      })
      .send(page.replaceAll('="./', `="${rootFrom(request)}`).replaceAll('__NONCE__', nonce))
  }
  app.decorate('sendPage', sendPage)
  const open = { config: { access: 'anyone' }, schema: { hide: true } } as const
  app.get('/', open, sendPage)
  const { basePath } = app
  if (basePath !== '') app.get(basePath, open, async (_request, reply) => reply.redirect(`${basePath}/`))
  for (const address of pageAddresses) {
    app.get(`/${address}`, open, sendPage)
    app.get(`/${address}/*`, open, sendPage)
  }
  if (!existsSync(folder)) return
  app.register(statics, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    index: false,
    preCompressed: true,
    immutable: true,
    maxAge: YEAR_MS,
    decorateReply: false,
    schemaHide: true,
  })
  const icon = readFileSync(join(folder, 'favicon.svg'))
  app.get('/favicon.svg', open, async (_request, reply) =>
    reply
      .type('image/svg+xml')
      .headers({ 'cache-control': 'public, max-age=86400', 'content-security-policy': "default-src 'none'" })
      .send(icon),
  )
}

/**
 * The way from the page's address to the root of the application. Relative where no prefix is known: a proxy may take one
 * off without a word.
 */
function rootFrom(request: FastifyRequest): string {
  const prefix = prefixOf(request)
  if (prefix !== '') return `${prefix}/`
  const [path = '/'] = request.url.split('?', 1)
  const steps = path.split('/').length - 2
  return steps === 0 ? './' : '../'.repeat(steps)
}

/** Null where the application has not been built. */
async function readPage(folder: string): Promise<string | null> {
  try {
    return await readFile(join(folder, 'index.html'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "font-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
