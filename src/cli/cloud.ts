import type { Command } from 'commander'
import { Failure } from '../errors/index.ts'
import { type Flags, readSettings } from '../settings/index.ts'
import type { Conclude } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addSettings } from './flags.ts'

export function addCloud(program: Command, conclude: Conclude): void {
  const cloud = program.command('cloud').description('Look after the connection to a cloud.')
  const check = cloud
    .command('check')
    .description('Tell what works with the cloud and what does not, line by line.')
    .option('--json', 'Print one JSON line per point.')
    .addHelpText(
      'after',
      `
The password comes from BACKTRAIL_CLOUD_PASSWORD or from --cloud-password-file. Nothing is changed in the cloud.
Ends with 0 when the appliance can work with the cloud, and with 1 when something is in the way.`,
    )
  addSettings(check, ['cloudUrl', 'cloudUser', 'cloudPasswordFile', 'cloudProxy', 'cloudCa', 'cloudTimeout']).action(
    conclude(checkConnection),
  )
}

const marks = { good: 'ok  ', odd: 'note', bad: 'FAIL' } as const

async function checkConnection(flags: Flags & { readonly json?: true }): Promise<ExitCode> {
  const { checkCloud, cloudAccess } = await import('../cloud/index.ts')
  const access = cloudAccess(readSettings(flags, process.env))
  if (access === null) {
    throw new Failure(
      'settings.invalid',
      'There is no cloud in the settings: give --cloud-url, --cloud-user and a password.',
    )
  }
  let isWell = true
  for await (const checked of checkCloud(access)) {
    isWell &&= checked.verdict !== 'bad'
    const { point, verdict, told } = checked
    process.stdout.write(
      flags.json ? `${JSON.stringify(checked)}\n` : `${marks[verdict]}  ${point.padEnd(20)} ${told}\n`,
    )
  }
  return isWell ? exitCodes.done : exitCodes.failed
}
