/**
 * Calls of tools. A tool is one operation of the API under another name: who may call it, which scopes of tokens it is
 * in, and what the audit log gets of it are read from the operation's own route.
 */
import type { CallToolResult, Tool as ListedTool } from '@modelcontextprotocol/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { accessOf, demandAccess } from '../access.ts'
import { callerOf } from '../authentication.ts'
import { boundedFailure } from '../bounded-failure.ts'
import { goneSignal, isOfGoneClient } from '../gone-clients.ts'
import { InvalidInput, type Problem } from '../problems.ts'
import { understand } from '../refusing.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { demandScope } from '../scopes.ts'
import { huntResults, huntStatus, startHunt } from './hunt-tools.ts'
import { explainRules, validateRules } from './rule-tools.ts'
import { findMatches, findSamples, matchStrings, sampleDetails } from './sample-tools.ts'
import { closed, type Tool, unknownNames } from './tool.ts'
import { marked, UntrustedShape, untrustedSentence, withShortTexts } from './untrusted.ts'

const tools: readonly Tool[] = [
  validateRules,
  explainRules,
  startHunt,
  huntStatus,
  huntResults,
  findMatches,
  findSamples,
  sampleDetails,
  matchStrings,
]

/** Of a result, as JSON: what a model can read at once is less. */
const MOST_CHARACTERS = 1_000_000

export class Calling {
  readonly #parts: RouteParts
  readonly #offered: ReadonlyMap<string, Offered>

  constructor(app: HttpServer, parts: RouteParts) {
    this.#parts = parts
    // A tool without an operation is a defect: the server does not start.
    for (const { operation } of tools) parts.operations.get(operation)
    this.#offered = new Map(tools.map((tool) => [tool.name, { tool, listed: listed(tool), check: checkOf(app, tool) }]))
  }

  /** The tools that the caller's token is for. */
  listFor(request: FastifyRequest): ListedTool[] {
    return [...this.#offered.values()]
      .filter(({ tool }) => this.#refusal(tool, request) === null)
      .map(({ listed }) => listed)
  }

  /** Null when there is no such tool. Whatever goes wrong in one is its result, so that a model can read it. */
  async call(
    name: string,
    input: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<CallToolResult | null> {
    const offered = this.#offered.get(name)
    if (offered === undefined) return null
    const { tool, check } = offered
    const { appliance } = this.#parts
    try {
      const refusal = this.#refusal(tool, request)
      if (refusal !== null) throw refusal
      const problems = check(input)
      if (problems.length > 0) throw new InvalidInput(problems)
      const result = await tool.run(input, { appliance, caller: callerOf(request), signal: goneSignal(reply) })
      await this.#record(tool, input, tool.changes ? 201 : 200, request)
      return answer(marked(tool.untrusted, withShortTexts(result) as object))
    } catch (error) {
      const failure = understand(error as Error, request)
      if (failure !== error && failure.status === 500 && !isOfGoneClient(error as Error, reply)) {
        request.log.error({ err: error, tool: name }, 'a tool failed')
      }
      if (failure.status === 403) await this.#record(tool, input, 403, request)
      return errorResult(failure)
    }
  }

  #refusal(tool: Tool, request: FastifyRequest): Failure | null {
    const operation = this.#parts.operations.get(tool.operation)
    try {
      demandScope(callerOf(request), tool.operation, operation)
      demandAccess(callerOf(request), accessOf(operation.config, operation.method) ?? 'anyone', {})
      return null
    } catch (error) {
      if (error instanceof Failure) return error
      throw error
    }
  }

  /** As a request to the operation's route would be put down. */
  async #record(tool: Tool, input: unknown, status: number, request: FastifyRequest): Promise<void> {
    const { config } = this.#parts.operations.get(tool.operation)
    if (typeof config.audit !== 'function') return
    await this.#parts.appliance.audit.record({
      user: callerOf(request).name,
      operation: tool.operation,
      subjects: config.audit({ params: {}, query: {}, body: input }),
      status,
      address: request.clientAddress,
    })
  }
}

interface Offered {
  readonly tool: Tool
  readonly listed: ListedTool
  readonly check: (input: unknown) => readonly Problem[]
}

function listed({ name, title, description, changes, input, output, untrusted }: Tool): ListedTool {
  return {
    name,
    title,
    description: `${description} ${untrustedSentence(untrusted)}`,
    inputSchema: closed(withoutDefaults(input)),
    outputSchema: plain(Type.Object({ untrusted: UntrustedShape, ...output.properties })),
    annotations: { readOnlyHint: !changes, destructiveHint: false, idempotentHint: !changes, openWorldHint: false },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a schema as JSON
const plain = (schema: unknown): any => JSON.parse(JSON.stringify(schema))

/** What has a default may be left out. */
function withoutDefaults(input: Tool['input']) {
  const { required = [], ...schema } = plain(input)
  return { ...schema, required: required.filter((name: string) => schema.properties[name].default === undefined) }
}

/** Checks input as the API does, and fills in defaults. */
function checkOf(app: HttpServer, { input }: Tool): Offered['check'] {
  const compile = app.validatorCompiler
  if (!compile) throw new Error('tools need the validation of the API')
  const validate = compile({ schema: input, method: 'POST', url: '/mcp/', httpPart: 'body' })
  return (given) => {
    const unknown = unknownNames(input, given)
    if (unknown.length > 0) return unknown
    const { error } = validate(given) as { readonly error?: Error }
    if (error instanceof InvalidInput) return error.problems
    if (error) throw error
    return []
  }
}

function answer(result: { readonly untrusted: object }): CallToolResult {
  const text = JSON.stringify(result)
  if (text.length > MOST_CHARACTERS) {
    throw new Failure(
      'parameter.out-of-range',
      `The result has more than ${MOST_CHARACTERS} characters; ask for less with limit, or for fewer rules.`,
    )
  }
  return { structuredContent: { ...result }, content: [{ type: 'text', text }] }
}

function errorResult(failure: Failure): CallToolResult {
  const { code, message, detail } = boundedFailure(failure)
  return { isError: true, content: [{ type: 'text', text: JSON.stringify({ error: code, message, detail }) }] }
}
