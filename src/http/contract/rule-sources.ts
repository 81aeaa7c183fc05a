/** Rule sources, on the wire: as the vendor's SDK knows them, and with what we know besides. */
import { Type } from 'typebox'
import { Time, TimeOrNull } from './times.ts'

const TextOrNull = Type.Union([Type.String(), Type.Null()])

/** What a source is called where the vendor's API describes it. */
export const RepositoryShape = Type.Object({
  id: Type.Integer(),
  url: Type.String(),
  name: Type.String(),
  source_branch: Type.String({ description: 'empty for the default branch' }),
  source_type: Type.Integer({ description: '0 a git repository, 1 an archive' }),
  api_token: Type.String({ description: 'empty where there is none, else masked' }),
  import_update_preferences: Type.Integer({
    description: '0 fetched when somebody asks, 1 its rulesets are updated by themselves, 2 and new ones imported',
  }),
  is_custom: Type.Boolean(),
  last_modified: Time,
  user: Type.Integer({ description: 'the id of its owner' }),
})

export const UpdateMode = Type.Enum(['manual', 'update', 'import'], {
  description:
    'manual: fetched when somebody asks; update: its rulesets are updated by themselves; import: and new ones imported',
})

const OutcomeShape = Type.Object({
  version: Type.String({ description: 'a commit, or sha256: and the digest of an archive' }),
  created: Type.Integer(),
  updated: Type.Integer(),
  removed: Type.Integer({ description: 'disabled or deleted, since their files are gone' }),
  unchanged: Type.Integer(),
  offered: Type.Integer({ description: 'files that are not imported yet' }),
  detached: Type.Integer({ description: 'rulesets that were edited here, and were left alone' }),
  problems: Type.Array(Type.String(), { description: 'with file and line; the first 100' }),
})

export const RuleSourceShape = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  owner: Type.String(),
  kind: Type.Enum(['git', 'archive']),
  url: Type.String(),
  branch: Type.String({ description: 'empty for the default branch' }),
  has_token: Type.Boolean(),
  mode: UpdateMode,
  removed_upstream: Type.Enum(['disable', 'delete'], {
    description: 'what happens with a ruleset whose file is gone from the source',
  }),
  created: Time,
  modified: Time,
  state: Type.Enum(['new', 'waiting', 'working', 'synced', 'failed'], {
    description: 'new: not imported yet; waiting: a synchronization was asked for; failed: it is tried again',
  }),
  version: TextOrNull,
  synced: TimeOrNull,
  next: TimeOrNull,
  failures: Type.Integer({ description: 'in a row' }),
  problem: TextOrNull,
  activity: Type.Union([
    Type.Object({
      kind: Type.Enum(['preview', 'synchronization']),
      phase: Type.Enum(['waiting', 'fetching', 'checking', 'saving']),
      done: Type.Integer(),
      total: Type.Integer(),
    }),
    Type.Null(),
  ]),
  last_run: Type.Union(
    [
      Type.Object({
        run: Type.Integer(),
        problem: TextOrNull,
        outcome: Type.Union([OutcomeShape, Type.Null()]),
      }),
      Type.Null(),
    ],
    { description: 'the latest synchronization that has ended since the start of the server' },
  ),
})

export const RuleSourcesShape = Type.Object({
  interval: Type.Integer({ description: 'seconds between two fetches; 0: sources are fetched when somebody asks' }),
  results: Type.Array(RuleSourceShape),
})

export const RuleSourceFilesShape = Type.Object({
  count: Type.Integer(),
  results: Type.Array(
    Type.Object({
      path: Type.String(),
      state: Type.Enum(['offered', 'imported', 'detached', 'gone', 'deleted'], {
        description:
          'offered: not imported yet; detached: edited here; gone: not in the source any more; deleted: its ruleset was deleted here',
      }),
      ruleset: TextOrNull,
      enabled: Type.Boolean(),
      problem: TextOrNull,
    }),
    { description: 'by path; the first 10,000' },
  ),
})

const ShareShape = Type.Object({ samples: Type.Integer(), bytes: Type.Integer() })

export const PreviewShape = Type.Object({
  run: Type.Integer(),
  problem: TextOrNull,
  version: TextOrNull,
  corpus: Type.Union([ShareShape, Type.Null()], { description: 'all stored samples' }),
  files: Type.Array(
    Type.Object({
      path: Type.String(),
      ruleset: Type.String({ description: 'what it is called, or would be' }),
      step: Type.Enum(
        ['create', 'offer', 'update', 'keep', 'restore', 'detached', 'declined', 'disable', 'delete', 'forget'],
        { description: 'what a synchronization would do with it' },
      ),
      runs: Type.Union([Type.Boolean(), Type.Null()], { description: 'null where its text was not looked at' }),
      problems: Type.Array(Type.String(), { description: 'what does not compile, with file and line' }),
      expected: Type.Union([ShareShape, Type.Null()], {
        description: 'what a hunt with it would read of the corpus; null where that is not known',
      }),
      broad_rules: Type.Array(Type.String(), {
        description: 'rules for which a tenth of the samples and more would have to be read',
      }),
    }),
    { description: 'by path; the first 10,000' },
  ),
  unreadable: Type.Array(Type.Object({ path: Type.String(), message: Type.String() })),
})
