/** The OpenAPI document, made from the schemas that validate, and a readable page of it that asks nobody else. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { serverAddress } from './addresses.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document is looked into as JSON
type Json = any

/**
 * What the generator cannot know. A parameter with a default may be left out; a refusal has the type of its envelope,
 * whatever the endpoint answers otherwise.
 */
function mended(document: Json): Json {
  for (const methods of Object.values<Json>(document.paths ?? {})) {
    for (const operation of Object.values<Json>(methods)) {
      for (const parameter of operation.parameters ?? []) {
        if (parameter.in === 'query' && parameter.schema?.default !== undefined) parameter.required = false
      }
      for (const { schema } of Object.values<Json>(operation.requestBody?.content ?? {})) withoutDefaults(schema)
      for (const [status, response] of Object.entries<Json>(operation.responses ?? {})) {
        if (Number(status) < 400 || !response.content || Object.keys(response.content).join() === 'text/plain') continue
        const [content] = Object.values<Json>(response.content)
        response.content = { 'application/json': content }
      }
    }
  }
  return document
}

/** `required` of a body without what has a default. */
function withoutDefaults(schema: Json): void {
  if (!Array.isArray(schema?.required)) return
  schema.required = schema.required.filter((name: string) => schema.properties[name]?.default === undefined)
  if (schema.required.length === 0) delete schema.required
}

/** One of its files, beside the others. */
const logo = createRequire(import.meta.url).resolve('@fastify/swagger-ui/static/logo.svg')

/** Must be called before the routes are registered. */
export function addReference(app: FastifyInstance, version: string): void {
  app.register(swagger, {
    transformObject: (made) => mended('openapiObject' in made ? structuredClone(made.openapiObject) : {}),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Backtrail',
        version,
        license: { name: 'MIT', identifier: 'MIT' },
        description:
          'YARA hunting: the Spectra Analyze YARA and YARA Retro API, and what Backtrail adds to it. ' +
          'docs/api.md tells the readings taken where the specification leaves room.',
      },
      components: {
        securitySchemes: {
          token: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: 'Token, a blank, and a token from /api-token-auth/',
          },
          tenant: { type: 'http', scheme: 'basic', description: 'name and password of a tenant of the cloud' },
        },
      },
      servers: [{ url: '/' }],
      security: [{ token: [] }],
      tags: [
        { name: 'tokens', description: 'Log-in' },
        { name: 'session', description: 'Log-in of the web application' },
        { name: 'rulesets', description: 'YARA rulesets and their matches' },
        { name: 'notifications', description: 'Webhooks of users, and what became of their messages' },
        { name: 'rule sources', description: 'Repositories and archives that rulesets are fetched from' },
        { name: 'retro', description: 'Local Retro and Cloud Retro' },
        { name: 'hunts', description: 'Ad-hoc hunts' },
        { name: 'search', description: 'One search over everything' },
        { name: 'samples', description: 'Samples: upload, look-up, download, classification' },
        { name: 'matches', description: 'Matches with filters, and as files' },
        { name: 'users', description: 'Users, their roles and tokens' },
        { name: 'index', description: 'The n-gram index' },
        { name: 'cloud', description: 'What the appliances of tenants ask of a cloud' },
        { name: 'sharing', description: 'Rulesets that several appliances share' },
        { name: 'appliances', description: 'The appliances of a manager' },
        { name: 'operation', description: 'Health and metrics' },
      ],
    },
  })
  app.register(swaggerUi, {
    routePrefix: '/api/docs',
    // It is built into the server, and cannot find its files by itself.
    baseDir: dirname(logo),
    logo: { type: 'image/svg+xml', content: readFileSync(logo) },
    // The plugin's own policy would have browsers turn this page's http addresses into https ones.
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    theme: { title: 'Backtrail API' },
    validatorUrl: false,
    // Its own addresses without a prefix are wrong where a proxy shows the server below one.
    uiHooks: {
      onRequest: (request, reply, next) => {
        const [path = ''] = request.url.split('?', 1)
        if (path.endsWith('/docs')) reply.redirect('docs/')
        else if (path.endsWith('/static/index.html')) reply.redirect('../')
        else next()
      },
    },
    transformSpecification: (document, request) => withServer(document, request),
    transformSpecificationClone: false,
    uiConfig: { deepLinking: true, docExpansion: 'list', persistAuthorization: false },
  })
}

/** The document with the address under which the client reached this server, which a proxy may show below a path. */
export function withServer(document: object, request: FastifyRequest): Record<string, unknown> {
  return { ...document, servers: [{ url: serverAddress(request) }] }
}
