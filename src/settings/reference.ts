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
themselves take \`--data\` and \`--workers\`, some of them a few more (\`--help\` of a command has its own), and the rest from the
environment.

\`backtrail node\` takes those of the database, of the store and of the workers: \`--database…\`, \`--store…\`, \`--cache-size\`,
\`--workers\`, \`--worker-memory\`, \`--engine\`, \`--scan-timeout\`, \`--compile-timeout\`, \`--log-level\`, \`--log-format\` and
\`--shutdown-grace\`. In place of \`--data\` it has \`--cache\`, in the environment \`BACKTRAIL_CACHE\`: the folder with its copies
(\`./cache\` unless given).

## Behind a proxy

A proxy brings HTTPS, names and log-ins of its own. It must pass the \`Host\` header on, must not collect uploads before
it sends them on, and must not hold back events. \`--trust-proxy loopback\` believes the headers of a proxy on the same
machine: then the log has the clients' addresses, limits count for each of them, and links that clients follow begin
with the name that they used.

Everything also works below a path, here \`/bt\`. Pages and their scripts find that path by themselves where the proxy
takes it off. Links in answers (\`next\` of lists, \`servers\` of the OpenAPI document) need to know it: by
\`--base-path /bt\`, or by the header \`X-Forwarded-Prefix\` of a trusted proxy, which goes first. A proxy that passes the
path on needs \`--base-path\`. The first step of the path must not be one of Backtrail's own, such as \`/api\`. Two servers
below one name need the header, or a proxy that passes the path on: only then each has a session cookie of its own.

nginx:

\`\`\`nginx
location /bt/ {
  proxy_pass http://127.0.0.1:8080/;
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Prefix /bt;
  proxy_buffering off;
  proxy_request_buffering off;
  proxy_read_timeout 1h;
  client_max_body_size 0;
}
\`\`\`

Caddy:

\`\`\`caddy
backtrail.example {
  redir /bt /bt/
  handle_path /bt/* {
    reverse_proxy 127.0.0.1:8080 {
      header_up X-Forwarded-Prefix /bt
      flush_interval -1
    }
  }
}
\`\`\`

Both with \`--trust-proxy loopback\`. Clients use the address with the path: \`BACKTRAIL_URL=https://backtrail.example/bt\`,
and \`--cloud-url\` of an appliance likewise.

## Commands that work through a running server

${table(clientOptions)}
`
}

function table(catalogue: Readonly<Record<string, Option<unknown>>>): string {
  const rows = Object.entries(catalogue).map(([name, option]) => [
    option.secret ? '–' : `\`${flagOf(name)}\``,
    `\`${variableOf(name, option)}\``,
    describe(option),
    `${capital(option.kind.allowed)}`.replaceAll('|', '\\|'),
    option.about,
  ])
  const head = ['Flag', 'Environment variable', 'Default', 'Allowed', 'What it does']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function describe(option: Option<unknown>): string {
  return option.formatDefault ?? `\`${option.kind.print(option.default)}\``
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
