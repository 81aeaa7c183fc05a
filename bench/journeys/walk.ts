/** One journey through the pages: what is done is counted and put down, and what must be seen is waited for. */
import type { Locator, Page } from 'playwright-core'
import { writeRules } from '../../test/web/browser.ts'

type Role = Parameters<Page['getByRole']>[0]

export class Walk {
  /** Grows when the journey goes on in another window. */
  page: Page
  /** What a person does, in order. */
  readonly steps: string[] = []
  #begun = 0
  #ended = 0

  constructor(page: Page) {
    this.page = page
  }

  /** From the first step to the last thing that was seen. The driver types at once and does not think. */
  get seconds(): number {
    return (this.#ended - this.#begun) / 1000
  }

  /** A step that is told in these words. */
  async does(words: string, action: () => Promise<unknown>): Promise<void> {
    if (this.steps.length === 0) this.#begun = performance.now()
    this.steps.push(words)
    await action()
  }

  click(role: Role, name: string | RegExp, words = String(name)): Promise<void> {
    return this.does(words, () => this.one(role, name).click())
  }

  fill(label: string | RegExp, text: string, words = `${String(label)}: ${text}`): Promise<void> {
    return this.does(words, () =>
      this.page
        .getByLabel(label, { exact: typeof label === 'string' })
        .first()
        .fill(text),
    )
  }

  press(keys: string, words = keys): Promise<void> {
    return this.does(words, () => this.page.keyboard.press(keys))
  }

  type(text: string, words = `type ${text}`): Promise<void> {
    return this.does(words, () => this.page.keyboard.insertText(text))
  }

  /** Replaces the text in the editor. */
  write(text: string, words: string): Promise<void> {
    return this.does(words, () => writeRules(this.page, text))
  }

  /** By the clipboard, as a long text comes into the editor. */
  paste(text: string, words: string): Promise<void> {
    return this.does(words, async () => {
      await this.page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      await this.page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`)
      await this.page.getByRole('textbox', { name: 'YARA text' }).click()
      await this.page.keyboard.press('ControlOrMeta+v')
    })
  }

  /** Waits until it is there, and fails where it does not come. */
  async sees(what: string | RegExp | Locator): Promise<void> {
    const locator = typeof what === 'string' || what instanceof RegExp ? this.page.getByText(what) : what
    await locator.first().waitFor()
    this.#ended = performance.now()
  }

  heading(name: string | RegExp): Promise<void> {
    return this.sees(this.page.getByRole('heading', { name, exact: typeof name === 'string' }))
  }

  one(role: Role, name: string | RegExp): Locator {
    return this.page.getByRole(role, { name, exact: typeof name === 'string' }).first()
  }

  /** Clicks what makes a file, and resolves with where it was stored when all of it is there. */
  async downloads(role: Role, name: string): Promise<string> {
    const coming = this.page.waitForEvent('download')
    await this.click(role, name)
    const path = await (await coming).path()
    this.#ended = performance.now()
    return path
  }
}
