import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { Argument, type Command, Option } from 'commander'
import type { Role, WorkingRole } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { Flags } from '../settings/index.ts'
import type { Backend } from './backend.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addPlaceSettings } from './flags.ts'
import { openBackend } from './open-backend.ts'
import { addQuota } from './quota.ts'
import { formatTable } from './terminal.ts'
import { reasonOf } from './walk.ts'

// The list of src/accounts is not loaded for it: the help needs no store.
const roles = ['administrator', 'publisher', 'user', 'read-only'] as const satisfies readonly WorkingRole[]

export function addUsers(program: Command, conclude: Conclude): void {
  const users = program.command('users').description('Manage who may use the server, and their API tokens.')

  const add = users
    .command('add')
    .argument('<name>', 'The name to log in with.')
    .description('Add a user. The password is made at random and printed once, or read from the standard input.')
    .addOption(
      new Option(
        '--role <role>',
        'What the user is to be; a tenant uses this server as its cloud, and nothing else of it.',
      )
        .choices([...roles, 'tenant'])
        .default('user'),
    )
    .addOption(new Option('--administrator', 'The same as --role administrator.').conflicts('role'))
    .option('--contribute', 'Allow a tenant’s appliances to add samples to the collection.')
    .option('--password-stdin', 'Read the password from the standard input.')
  addPlaceSettings(add).action(conclude(addUser))

  const list = users.command('list').description('Print all users.').option('--json', 'Print one JSON line per user.')
  addPlaceSettings(list).action(conclude(listUsers))

  const password = users
    .command('password')
    .argument('<name>', 'Whose password to change.')
    .description('Give a user a new password, made at random and printed once, or read from the standard input.')
    .option('--password-stdin', 'Read the password from the standard input.')
    .option('--current-password-file <file>', 'Has the password that is replaced: a server asks for one’s own.')
  addPlaceSettings(password).action(conclude(changePassword))

  const disable = users
    .command('disable')
    .argument('<name>', 'Whose credentials to refuse.')
    .description('Refuse password, tokens and sessions of a user at once. Rulesets go on running.')
  addPlaceSettings(disable).action(conclude((name: string, flags: Flags) => switchUser(name, true, flags)))

  const enable = users
    .command('enable')
    .argument('<name>', 'Whose credentials to accept again.')
    .description('Take "users disable" back: the password and the tokens work again.')
  addPlaceSettings(enable).action(conclude((name: string, flags: Flags) => switchUser(name, false, flags)))

  const role = users
    .command('role')
    .argument('<name>', 'Whose role to change.')
    .addArgument(new Argument('<role>', 'What the user is to be.').choices(roles))
    .description('Give a user another role. One administrator is always left.')
  addPlaceSettings(role).action(conclude(changeRole))

  const token = users
    .command('token')
    .argument('<name>', 'Whose token it is.')
    .description('Make an API token and print it, once.')
    .option('--label <text>', 'What it is for.', 'made on the command line')
    .addOption(new Option('--list', 'Print the tokens that there are instead.').conflicts('revoke'))
    .option('--days <number>', 'It ends after so many days. Without it, it never does.')
    .option(
      '--scope <names>',
      'What it is for: operations of the API with commas between them; `read` are all that only read.',
    )
    .option('--revoke <id>', 'Take back the token of this id instead.')
  addPlaceSettings(token).action(conclude(manageTokens))

  addQuota(users, conclude)

  const remove = users
    .command('remove')
    .argument('<name>', 'Whom to remove.')
    .description('Remove a user with all tokens. Their rulesets go to the first administrator; a tenant’s go with it.')
  addPlaceSettings(remove).action(conclude(removeUser))
}

interface PasswordFlags extends Flags {
  readonly passwordStdin?: true
}

interface ChangeFlags extends PasswordFlags {
  readonly currentPasswordFile?: string
}

interface AddFlags extends PasswordFlags {
  readonly role: Role
  readonly administrator?: true
  readonly contribute?: true
}

function addUser(name: string, { role: chosen, ...flags }: AddFlags): Promise<ExitCode> {
  // The user's role stays behind: the place where this works has a setting of that name.
  return at(flags, false, async ({ users }) => {
    const { password, isMade } = await choosePassword(flags)
    const role = flags.administrator ? 'administrator' : chosen
    await users.add({ name, password, role, contributes: flags.contribute === true })
    if (isMade) process.stdout.write(`${password}\n`)
  })
}

function changePassword(name: string, flags: ChangeFlags): Promise<ExitCode> {
  return at(flags, true, async ({ users }) => {
    const { password, isMade } = await choosePassword(flags)
    await users.setPassword(name, password, readCurrent(flags))
    if (isMade) process.stdout.write(`${password}\n`)
  })
}

function changeRole(name: string, role: WorkingRole, flags: Flags): Promise<ExitCode> {
  return at(flags, true, ({ users }) => users.setRole(name, role))
}

function listUsers(flags: Flags & { readonly json?: true }): Promise<ExitCode> {
  return at(flags, true, async ({ users }) => {
    const all = await users.list()
    process.stdout.write(
      flags.json
        ? all
            .map(({ name, role, contributes, created, disabled, lastUsed }) => {
              return `${JSON.stringify({ name, role, contributes, created, disabled, last_used: lastUsed })}\n`
            })
            .join('')
        : `${formatTable(
            ['name', 'role', 'created', 'last used'],
            all.map(({ name, role, contributes, created, disabled, lastUsed }) => [
              name,
              [role, ...(contributes ? ['contributes'] : []), ...(disabled ? ['disabled'] : [])].join(', '),
              created,
              lastUsed ?? 'never',
            ]),
          )}\n`,
    )
  })
}

interface TokenFlags extends Flags {
  readonly label: string
  readonly list?: true
  readonly revoke?: string
  readonly days?: string
  readonly scope?: string
}

function manageTokens(name: string, flags: TokenFlags): Promise<ExitCode> {
  return at(flags, true, async ({ users }) => {
    if (flags.list) {
      const rows = (await users.tokens(name)).map(({ id, label, created, lastUsed, expires, scope, creator }) => [
        String(id),
        label,
        created,
        lastUsed ?? 'never',
        expires ?? 'never',
        scope?.join(', ') ?? 'everything',
        creator ?? '',
      ])
      const head = ['id', 'label', 'created', 'last used', 'ends', 'for', 'made by']
      process.stdout.write(`${formatTable(head, rows)}\n`)
    } else if (flags.revoke !== undefined) await users.revokeToken(name, Number(flags.revoke))
    else {
      const { label, days, scope } = flags
      const names = scope?.split(',').flatMap((word) => word.trim() || [])
      const { now } = await import('../store/index.ts')
      const expires = days === undefined ? {} : { expires: now() + daysFrom(days) * DAY }
      const token = { label, ...expires, ...(names !== undefined && { scope: names }) }
      process.stdout.write(`${await users.createToken(name, token)}\n`)
    }
  })
}

function switchUser(name: string, disabled: boolean, flags: Flags): Promise<ExitCode> {
  return at(flags, true, ({ users }) => users.setDisabled(name, disabled))
}

function removeUser(name: string, flags: Flags): Promise<ExitCode> {
  return at(flags, true, ({ users }) => users.remove(name))
}

async function at(flags: Flags, isReading: boolean, work: (place: Backend) => Promise<void>): Promise<ExitCode> {
  const place = await openBackend(flags, { isReading })
  try {
    await work(place)
  } finally {
    await place.close()
  }
  return exitCodes.done
}

const DAY = 24 * 60 * 60 * 1_000_000

function daysFrom(text: string): number {
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= 36_500) return days
  throw new Failure('settings.invalid', `--days must be a whole number from 1 to 36500, not "${text}".`)
}

/** The line's end belongs to the editor, not to the password. */
function readCurrent({ currentPasswordFile: file }: ChangeFlags): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Failure('settings.invalid', `${file}, which should have the current password: ${reasonOf(error)}.`)
  }
}

async function choosePassword({ passwordStdin }: PasswordFlags): Promise<{ password: string; isMade: boolean }> {
  // The line's end belongs to `echo`, not to the password.
  if (passwordStdin) return { password: (await text(process.stdin)).replace(/\r?\n$/, ''), isMade: false }
  return { password: randomBytes(15).toString('base64url'), isMade: true }
}
