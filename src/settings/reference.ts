import { clientOptions, flagOf, type Option, options, variableOf } from './options.ts'

/** The text of docs/configuration.md. */
export function renderReference(): string {
  return `# Configuration

<!-- Written by scripts/write-reference.ts from src/settings/options.ts; a test fails when the two differ. -->

Each setting is a flag and an environment variable; the flag wins. Sizes take the units KB, MB, GB and TB of 1,024;
times are in seconds unless they carry ms, s, m or h. What does not fit is refused at the start with a sentence that
names the setting, where its value came from, and what is allowed.

## The server, and commands on the data folder

${table(options)}

The flags belong to \`backtrail serve\` (\`npm start -- --port 9000\` passes them on). Commands that work on the data folder
themselves take \`--data\` and \`--workers\`, and the rest from the environment.

## Commands that work through a running server

${table(clientOptions)}
`
}

function table(catalogue: Readonly<Record<string, Option<unknown>>>): string {
  const rows = Object.entries(catalogue).map(([name, option]) => [
    option.secret ? '–' : `\`${flagOf(name)}\``,
    `\`${variableOf(name, option)}\``,
    told(option),
    `${capital(option.kind.allowed)}`.replaceAll('|', '\\|'),
    option.about,
  ])
  const head = ['Flag', 'Environment variable', 'Default', 'Allowed', 'What it does']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function told(option: Option<unknown>): string {
  return option.presetTold ?? `\`${option.kind.print(option.preset)}\``
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
