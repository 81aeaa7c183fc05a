/**
 * What a token is for: the operations of the API that it names, and `read` for all that only read. A script that uploads
 * gets a token that can do nothing else.
 */
import type { FastifyContextConfig, FastifySchema } from 'fastify'
import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import { isOnlyReading } from './access.ts'

const READ = 'read'

export interface Operation {
  readonly method: string
  /** What its route says of who may call it, and of its entries in the audit log. */
  readonly config: FastifyContextConfig
}

/** The operations that the routes declare. */
export class Operations {
  readonly #known = new Map<string, Operation>()

  add({ operationId }: FastifySchema, methods: readonly string[], config: FastifyContextConfig): void {
    if (operationId === undefined) return
    const [method = 'GET'] = methods
    this.#known.set(operationId, { method, config })
  }

  /** Of a name that the code has. */
  get(operationId: string): Operation {
    const operation = this.#known.get(operationId)
    if (operation === undefined) throw new Error(`there is no operation ${operationId}`)
    return operation
  }

  /** The names of a scope, each once. Fails with `token.scope-invalid` for one that is unknown or must not be there. */
  scopeOf(names: readonly string[]): readonly string[] {
    for (const name of names) {
      if (name === READ) continue
      const operation = this.#known.get(name)
      if (operation === undefined) {
        throw new Failure('token.scope-invalid', `There is no operation ${name}; /api/docs/ has their names.`)
      }
      if (operation.config.changesAccounts) {
        throw new Failure('token.scope-invalid', `A token cannot be for ${name}: it could give itself every right.`)
      }
    }
    return [...new Set(names)]
  }
}

/** Fails with `token.scope` where the caller's token is not for this operation. */
export function demandScope({ scope }: Account, operationId: string, { config, method }: Operation): void {
  if (scope === undefined || scope.includes(operationId)) return
  if (scope.includes(READ) && isOnlyReading(config, method)) return
  throw new Failure('token.scope', `This token is for ${scope.join(', ')} only.`, { scope: [...scope] })
}
