/** Files, folders and archives that become rulesets, with a preview: an addition to the specification. */
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { GivenFile, ImportState } from '../../rule-sources/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { asMalformed, fileNameOf, partsOf } from '../bodies.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { ImportShape } from '../contract/ruleset-imports.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { MOST_ROWS } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

/** Of the form around a file. */
const FRAME_BYTES = 1_000
const LONGEST_PATH = 4_096

const ImportPath = Type.Object({ id: Type.Integer({ minimum: 1 }) })
const ImportForm = Type.Object({
  file: Type.String({
    format: 'binary',
    description: 'a YARA file or an archive of some; repeated for more; its file name may have folders',
  }),
})
const Begun = Type.Object({ id: Type.Integer() })

const statuses = {
  400: 'The number is malformed.',
  403: 'No token, or an unknown one.',
  404: 'You have no such import.',
}

export function addRulesetImports(app: HttpServer, { appliance: { ruleImports } }: RouteParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['rulesets'], operationId, summary })

  app.post(
    '/api/ruleset-imports/',
    {
      config: { audit: 'nothing to tell', access: { right: 'rulesets.change-any', orOwner: true }, streamsBody: true },
      // The body is read part by part, so no schema can validate it; `reference` shows it in the document.
      attachValidation: true,
      schema: {
        ...describe(
          'startRulesetImport',
          'Send YARA files and archives, and look in the background at what they would bring',
        ),
        consumes: ['multipart/form-data'],
        body: ImportForm,
        response: {
          202: Begun,
          ...refusals(yaraEnvelope, {
            400: 'The form holds no file, or is cut off.',
            403: statuses[403],
            409: 'An import of yours is being saved.',
            413: 'The files are larger, or more, than a source of rules may be.',
            415: 'The body is no multipart form.',
          }),
        },
      },
    },
    async (request, reply) => {
      if (!request.isMultipart()) throw new Failure('request.media-type')
      const { bytes, files } = ruleImports.limits
      if (Number(request.headers['content-length']) > bytes + files * FRAME_BYTES)
        throw new Failure('request.too-large')
      const id = await ruleImports.begin(callerOf(request), (folder) => received(request, folder, { bytes, files }))
      return reply.code(202).send({ id })
    },
  )

  app.get(
    '/api/ruleset-imports/:id/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('getRulesetImport', 'Get the preview and the state of an import'),
        params: ImportPath,
        response: { 200: ImportShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => importJson(request.params.id, ruleImports.get(callerOf(request), request.params.id)),
  )

  app.post(
    '/api/ruleset-imports/:id/save/',
    {
      config: { audit: about('id'), access: { right: 'rulesets.change-any', orOwner: true } },
      bodyLimit: LIST_BODY,
      schema: {
        ...describe('saveRulesetImport', 'Save what the preview of an import shows, in the background'),
        params: ImportPath,
        body: Type.Object({
          leave_out: Type.Array(Type.String(), { maxItems: MOST_ROWS, description: 'paths of files that stay out' }),
        }),
        response: {
          202: ImportShape,
          ...refusals(yaraEnvelope, { ...statuses, 409: 'The preview is not complete, or it is being saved.' }),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      ruleImports.save(callerOf(request), id, request.body.leave_out)
      return reply.code(202).send(importJson(id, ruleImports.get(callerOf(request), id)))
    },
  )

  app.delete(
    '/api/ruleset-imports/:id/',
    {
      config: { audit: 'nothing to tell', access: { right: 'rulesets.change-any', orOwner: true } },
      schema: {
        ...describe('cancelRulesetImport', 'Forget an import, or stop saving it; what is saved stays'),
        params: ImportPath,
        response: { 204: Type.Null(), ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request, reply) => {
      await ruleImports.cancel(callerOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

/** Writes the files of the form to new paths below the folder, which is made. */
async function received(
  request: FastifyRequest,
  folder: string,
  { bytes, files }: { readonly bytes: number; readonly files: number },
): Promise<GivenFile[]> {
  await mkdir(folder, { mode: 0o700 })
  const given: GivenFile[] = []
  let left = bytes
  for await (const part of partsOf(request, files, { preservePath: true })) {
    const path = fileNameOf(part)
    if (path === '' || path.length > LONGEST_PATH) {
      part.file.resume()
      continue
    }
    const file = join(folder, `${given.length}`)
    const count = new Transform({
      transform(chunk: Buffer, _, done) {
        left -= chunk.length
        done(left < 0 ? new Failure('request.too-large') : null, chunk)
      },
    })
    try {
      await pipeline(part.file, count, createWriteStream(file, { flags: 'wx', mode: 0o600 }))
    } catch (error) {
      throw asMalformed(error)
    }
    given.push({ path, file })
  }
  if (given.length === 0) throw new Failure('upload.no-file')
  return given
}

function importJson(id: number, state: ImportState): Static<typeof ImportShape> {
  const { outcome, files, unreadable } = state
  return {
    ...state,
    id,
    files: files.slice(0, MOST_ROWS).map(({ broadRules, problems, ...file }) => ({
      ...file,
      problems: [...problems],
      broad_rules: [...broadRules],
    })),
    unreadable: unreadable.slice(0, MOST_ROWS).map((one) => ({ ...one })),
    outcome: outcome && { ...outcome, problems: [...outcome.problems] },
  }
}
