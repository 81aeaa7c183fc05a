/** The journeys of an analyst, in the order in which they are walked: later ones find what earlier ones have left. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { drop } from '../../test/web/browser.ts'
import { type Places, people, program } from './places.ts'
import { Walk } from './walk.ts'

export interface Journey {
  readonly title: string
  /** Walks it; gives the walk, whose page the caller closes. */
  readonly walk: (places: Places) => Promise<Walk>
}

const rule = (name: string, text: string, condition = '$a') =>
  `rule ${name} {\n  strings:\n    $a = "${text}"\n  condition:\n    ${condition}\n}\n`

/** Takes a while on every sample. */
const slow = 'rule slow { strings: $a = "a note" condition: $a and for all i in (0..1500000) : ( i >= 0 ) }'

const FILES = 500
const RULE_FILES = 300

async function begin(
  places: Places,
  address: string,
  ...rest: Parameters<Places['page']> extends [string, ...infer R] ? R : never
) {
  return new Walk(await places.page(address, ...rest))
}

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function logInAsAna(walk: Walk): Promise<void> {
  await walk.fill('User', people.ana.name)
  await walk.fill('Password', people.ana.password, 'Password')
  await walk.click('button', 'Log in')
}

/** `text`: a hash of the program, or the beginning of one. */
async function searchForProgram(walk: Walk, text: string, words: string): Promise<void> {
  await walk.press('Control+k', 'Ctrl K')
  await walk.sees(walk.one('combobox', 'Search everything'))
  await walk.type(text, words)
  await walk.sees(walk.one('option', /7z\.exe/))
  await walk.press('Enter')
  await walk.heading('7z.exe')
}

export const journeys: readonly Journey[] = [
  {
    title: 'Log in, and come to the page that was asked for',
    walk: async (places) => {
      const walk = await begin(places, '/rulesets', null)
      await logInAsAna(walk)
      await walk.heading('Rulesets')
      return walk
    },
  },
  {
    title: `${FILES} files with an encrypted zip are sent`,
    walk: async (places) => {
      await places.saveRuleset('notes', rule('note', 'a note') + rule('locked', 'locked away'), 'ana')
      const walk = await begin(places, '/samples')
      await walk.sees('There are no samples yet')
      const folder = places.caseFolder(FILES)
      await walk.does('drop the folder on the page', () => drop(walk.page, [folder]))
      await walk.sees(`${FILES} of ${FILES} files sent`)
      await places.settled()
      await walk.click('link', 'Matches')
      await walk.fill('Search rule names', 'locked', 'Search rule names: locked')
      await walk.sees('secret.txt')
      return walk
    },
  },
  {
    title: 'A broken rule is mended, tried, narrowed and saved',
    walk: async (places) => {
      const walk = await begin(places, '/rulesets')
      await walk.click('link', 'New ruleset')
      await walk.fill('Name', 'case_7')
      await walk.write(rule('seven', 'number 7', '$wrong'), 'write the rule')
      await walk.sees(walk.page.locator('.cm-lintRange-error', { hasText: '$wrong' }))
      await walk.click('button', /\$wrong/, 'the problem below the text')
      await walk.write(rule('seven', 'number 7'), 'mend it')
      await walk.sees('It compiles')
      await walk.click('button', 'Hunt')
      await walk.sees(/^1\d\d? matches in/)
      await walk.write(rule('seven', 'number 7 of', '$a and filesize < 100'), 'narrow it')
      await walk.sees('It compiles')
      await walk.press('ControlOrMeta+Enter', 'Ctrl Enter')
      await walk.sees(/^1 match in/)
      await walk.press('ControlOrMeta+s', 'Ctrl S')
      await walk.sees(/case_7 is saved and enabled/)
      return walk
    },
  },
  {
    title: 'Which rules hit a hash, and what else is made so',
    walk: async (places) => {
      const bytes = readFileSync(program)
      await places.saveRuleset('archivers', rule('seven_zip', 'Igor Pavlov', '$a or filesize > 100KB'), 'ana')
      await places.upload(bytes, '7z.exe')
      const walk = await begin(places, '/')
      await walk.heading('Overview')
      await searchForProgram(walk, digestOf(bytes), 'paste the hash')
      await walk.click('button', 'Show strings of seven_zip')
      await walk.heading('Strings of seven_zip')
      const facts = walk.page.getByRole('region', { name: 'Program', exact: true })
      await walk.does('the import hash', () =>
        facts
          .getByRole('link', { name: /^[0-9a-f]{32}$/ })
          .first()
          .click(),
      )
      await walk.sees(/^1 sample shown/)
      return walk
    },
  },
  {
    title: 'Local Retro is started and followed to its end',
    walk: async (places) => {
      await places.saveRuleset('later', rule('written_later', 'of the case'), 'ana')
      const walk = await begin(places, '/')
      await walk.click('link', 'Local Retro')
      await walk.click('button', 'Start Local Retro')
      await walk.sees(/Local Retro is complete: .* new match/)
      return walk
    },
  },
  {
    title: '20,000 matches are exported',
    walk: async (places) => {
      const walk = await begin(places, '/matches', 'ana', { server: places.lists })
      await walk.click('button', 'Export all')
      const path = await walk.downloads('menuitem', 'CSV')
      const lines = readFileSync(path, 'utf8').trimEnd().split('\r\n').length - 1
      if (lines < 19_000) throw new Error(`the file has ${lines} matches`)
      return walk
    },
  },
  {
    title: 'An earlier revision is looked at and restored',
    walk: async (places) => {
      const walk = await begin(places, '/rulesets/case_7')
      await walk.write(rule('seven', 'number 7 of', '$a and filesize < 10'), 'change the rule')
      await walk.press('ControlOrMeta+s', 'Ctrl S')
      await walk.sees('Revision 2 of case_7 is saved.')
      await walk.click('link', 'Revisions (2)')
      await walk.heading('What changed from revision 1 to 2')
      await walk.click('button', /Revision 1/, 'Revision 1')
      await walk.click('button', 'Restore revision 1')
      await walk.sees('Revision 1 is restored as revision 3.')
      return walk
    },
  },
  {
    title: 'Why a ruleset is noisy, and one of its rules switched off',
    walk: async (places) => {
      const walk = await begin(places, '/rulesets')
      await walk.click('link', 'notes')
      await walk.click('link', 'Rules')
      await walk.sees('noisy')
      await walk.does('switch note off', async () => {
        await walk.one('switch', 'note reports matches').focus()
        await walk.page.keyboard.press('Space')
      })
      await walk.sees(/off by ana, .*; matches from before are kept/)
      return walk
    },
  },
  {
    title: `${RULE_FILES} rule files are imported`,
    walk: async (places) => {
      const folder = places.ruleFolder(RULE_FILES)
      const walk = await begin(places, '/rulesets')
      await walk.sees(/Drop YARA files, folders or a zip/)
      await walk.does('drop the folder on the page', () => drop(walk.page, [folder]))
      await walk.sees('left out: it does not compile')
      await walk.click('button', `Import ${RULE_FILES - 1} rulesets`)
      await walk.sees(`${RULE_FILES - 1} rulesets made`)
      return walk
    },
  },
  {
    title: 'A rule is found by a piece of its text',
    walk: async (places) => {
      const walk = await begin(places, '/samples')
      await walk.heading('Samples')
      await walk.press('/')
      await walk.sees(walk.one('combobox', 'Search everything'))
      await walk.type('number 217 of', 'type a piece of it')
      await walk.sees(walk.one('option', /imported_217/))
      await walk.press('ArrowDown')
      await walk.press('Enter')
      await walk.sees(walk.page.locator('.cm-activeLine', { hasText: 'imported_217' }))
      return walk
    },
  },
  {
    title: 'A sample is found by the beginning of its hash',
    walk: async (places) => {
      const walk = await begin(places, '/')
      await walk.heading('Overview')
      await searchForProgram(walk, digestOf(readFileSync(program)).slice(0, 10), 'type ten digits of it')
      return walk
    },
  },
  {
    title: 'What arrived and matched today',
    walk: async (places) => {
      const walk = await begin(places, '/samples')
      await walk.click('link', 'Overview')
      await walk.click('link', 'All of today')
      await walk.fill('Search rule names', 'seven')
      await walk.sees('7z.exe')
      return walk
    },
  },
  {
    title: 'A user is added, and a token made',
    walk: async (places) => {
      const walk = await begin(places, '/administration', 'root')
      await walk.click('tab', 'Users')
      await walk.click('button', 'Add a user')
      const dialog = walk.page.getByRole('dialog')
      await walk.does('Name: cleo', () => dialog.getByLabel('Name').fill('cleo'))
      await walk.does('Password', () => dialog.getByLabel('Password').fill('cleo and her password'))
      await walk.does('Add', () => dialog.getByRole('button', { name: 'Add' }).click())
      await walk.sees(walk.one('rowheader', 'cleo'))
      await walk.click('tab', 'Your account')
      await walk.click('button', 'Make a token')
      await walk.does('What it is for', () => dialog.getByLabel('What it is for').fill('the night script'))
      await walk.does('Make it', () => dialog.getByRole('button', { name: 'Make it' }).click())
      await walk.sees(dialog.locator('code'))
      return walk
    },
  },
  {
    title: 'A hunt goes on after the server was restarted',
    walk: async (places) => {
      const walk = await begin(places, '/workbench')
      await walk.fill('Name', 'over a restart')
      await walk.write(slow, 'write the rule')
      await walk.sees(/It compiles/)
      await walk.click('button', 'Hunt')
      await walk.heading('over a restart')
      await places.restart()
      await walk.sees(/^\d+ matches in/)
      return walk
    },
  },
  {
    title: '1 MB of rules is pasted, changed and saved',
    walk: async (places) => {
      const text = Array.from(
        { length: 8_500 },
        (_, n) => `rule long_${n} { strings: $a = "a text that is rare ${n}" ${' '.repeat(40)} condition: $a }\n`,
      ).join('')
      const walk = await begin(places, '/workbench')
      await walk.fill('Name', 'a_megabyte')
      await walk.paste(text, 'paste it')
      await walk.sees(/It compiles/)
      await walk.type('// the end of it\n', 'type a line')
      await walk.sees(/It compiles/)
      await walk.press('ControlOrMeta+s', 'Ctrl S')
      await walk.sees(/a_megabyte is saved and enabled/)
      return walk
    },
  },
  {
    title: '20,000 matches are looked through, and narrowed to one rule',
    walk: async (places) => {
      const walk = await begin(places, '/', 'ana', { server: places.lists })
      await walk.click('link', 'Matches')
      await walk.sees(/[\d,]+ matches, newest first|more than 10,000/)
      await walk.fill('Search rule names', 'rule_0')
      await walk.sees(/matches shown/)
      return walk
    },
  },
  {
    title: 'A link is shared, and a colleague sees the same',
    walk: async (places) => {
      const walk = await begin(places, '/samples')
      await walk.fill(/^Search a hash/, '7z', 'search for 7z')
      await walk.sees(/^1 sample shown/)
      const { pathname, search } = new URL(walk.page.url())
      const first = walk.page
      await walk.does('ben opens the address', async () => {
        walk.page = await places.page(pathname + search, 'ben')
      })
      await walk.sees(/^1 sample shown/)
      await first.context().close()
      return walk
    },
  },
  {
    title: 'Going back and a reload keep what was written',
    walk: async (places) => {
      const walk = await begin(places, '/workbench')
      await walk.write(rule('kept', 'over a reload'), 'write a rule')
      await walk.fill('Tag', 'march')
      await walk.click('link', 'Samples')
      await walk.heading('Samples')
      await walk.does('go back', () => walk.page.goBack())
      await walk.sees(walk.page.locator('.cm-line', { hasText: 'over a reload' }))
      await walk.does('reload', () => walk.page.reload())
      await walk.sees(walk.page.locator('.cm-line', { hasText: 'over a reload' }))
      if ((await walk.page.getByLabel('Tag', { exact: true }).inputValue()) !== 'march')
        throw new Error('the tag is lost')
      return walk
    },
  },
  {
    title: 'Somebody is told of a new match',
    walk: async (places) => {
      const walk = await begin(places, '/rulesets', 'ben')
      await places.saveRuleset('of_ben', rule('rings', 'ring the bell'), 'ben')
      await walk.does('wait while a sample arrives', () => places.upload('ring the bell', 'bell.txt'))
      await walk.sees(walk.one('button', 'New for you: 1'))
      await walk.click('button', 'New for you: 1', 'the bell')
      await walk.click('link', '1 new match of of_ben')
      await walk.sees('bell.txt')
      return walk
    },
  },
  {
    title: 'On a telephone: what matched, and the sample',
    walk: async (places) => {
      const walk = await begin(places, '/', 'ben', {
        viewport: { width: 390, height: 844 },
        isMobile: true,
        hasTouch: true,
      })
      await walk.click('link', 'Matches')
      await walk.sees('bell.txt')
      await walk.click('link', 'bell.txt')
      await walk.heading('bell.txt')
      return walk
    },
  },
  {
    title: 'A session ends in the middle of writing',
    walk: async (places) => {
      const walk = await begin(places, '/workbench')
      await walk.fill('Name', 'kept_safe')
      await walk.write(rule('kept_safe', 'over the end of a session'), 'write a rule')
      await walk.sees('It compiles')
      await walk.does('the session ends', () => walk.page.context().clearCookies())
      await walk.click('button', 'Save')
      await walk.heading('Log in to Backtrail')
      await logInAsAna(walk)
      await walk.sees(walk.page.locator('.cm-line', { hasText: 'over the end of a session' }))
      await walk.click('button', 'Save')
      await walk.sees(/kept_safe is saved and enabled/)
      return walk
    },
  },
]
