import { type Command, Option } from 'commander'
import { clientOptions, flagOf, options, type Option as Setting, variableOf } from '../settings/index.ts'

type SettingName = keyof typeof options | keyof typeof clientOptions

/** Adds the flags of settings to a command, with their descriptions, defaults and environment variables in the help. */
export function addSettings(command: Command, names: readonly SettingName[]): Command {
  const all: Readonly<Record<SettingName, Setting<unknown>>> = { ...options, ...clientOptions }
  for (const name of names) {
    const setting = all[name]
    const preset = setting.formatDefault ?? setting.kind.print(setting.default)
    const about = `${setting.about} (default: ${preset}; environment: ${variableOf(name, setting)})`
    command.addOption(new Option(`${flagOf(name)} <${setting.kind.placeholder}>`, about))
  }
  return command
}

/** The flags of commands that work on the data folder here or through a server. */
export function addPlaceSettings(command: Command): Command {
  return addSettings(command, ['data', 'workers', 'engine', 'server', 'token'])
}

/** The settings that have a flag, for `serve`. */
export const serverSettings = (Object.keys(options) as (keyof typeof options)[]).filter(
  (name) => !('secret' in options[name]),
)
