import { Type } from 'typebox'
import { about } from '../auditing.ts'
import { LIST_BODY } from '../body-bounds.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { HashPath, LONGEST_TAG, MOST_TAGS } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { COMMAS } from '../validation.ts'

const Tags = Type.Array(Type.String())
const TagBody = Type.Object({
  tags: Type.Array(Type.String({ minLength: 1, maxLength: LONGEST_TAG }), {
    minItems: 1,
    maxItems: MOST_TAGS,
    [COMMAS]: true,
    description: 'a comma separates two tags',
  }),
})

const common = {
  tags: ['samples'],
  params: HashPath,
  response: {
    200: Tags,
    ...refusals(yaraEnvelope, {
      400: 'The hash or the tags are missing or malformed.',
      403: 'No token, or an unknown one.',
      404: 'There is no such sample.',
    }),
  },
}
const consumes = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data']

/** `/api/tag/{hash}/`: what users have tagged a sample with. Every answer is the list of tags as it is then. */
export function addSampleTags(app: HttpServer, { appliance: { samples } }: RouteParts): void {
  app.get(
    '/api/tag/:hash/',
    {
      config: { access: 'account' },
      schema: { ...common, operationId: 'listTags', summary: 'List the tags of a sample' },
    },
    async ({ params }) => [...(await samples.tags(params.hash))],
  )
  app.post(
    '/api/tag/:hash/',
    {
      config: { audit: about('hash', 'tags'), access: 'account' },
      bodyLimit: LIST_BODY,
      schema: { ...common, operationId: 'addTags', summary: 'Tag a sample', consumes, body: TagBody },
    },
    async ({ params, body }) => [...(await samples.addTags(params.hash, body.tags))],
  )
  app.delete(
    '/api/tag/:hash/',
    {
      config: { audit: about('hash', 'tags'), access: 'account' },
      bodyLimit: LIST_BODY,
      schema: { ...common, operationId: 'removeTags', summary: 'Remove tags from a sample', consumes, body: TagBody },
    },
    async ({ params, body }) => [...(await samples.removeTags(params.hash, body.tags))],
  )
}
