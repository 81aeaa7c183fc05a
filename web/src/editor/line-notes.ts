/**
 * Short notes behind lines of the text. They move with their lines while one writes, until new ones come. Their words are
 * not part of the text: they are drawn by a style, so that nothing that reads or copies lines gets them.
 */
import { type Extension, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view'

export interface LineNote {
  /** From 1. */
  readonly line: number
  readonly words: string
}

const setNotes = StateEffect.define<readonly LineNote[]>()

class NoteWidget extends WidgetType {
  readonly words: string

  constructor(words: string) {
    super()
    this.words = words
  }

  override eq(other: NoteWidget): boolean {
    return other.words === this.words
  }

  override toDOM(): HTMLElement {
    const note = document.createElement('span')
    note.className = 'cm-line-note'
    note.dataset.words = this.words
    note.title = this.words
    // Whoever listens has the same words in the plan beside the editor.
    note.setAttribute('aria-hidden', 'true')
    return note
  }
}

const notesField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (shown, { changes, effects, newDoc }) => {
    const given = effects.find((effect) => effect.is(setNotes))
    if (!given) return newDoc.length === 0 ? Decoration.none : shown.map(changes)
    const byLine = Map.groupBy(
      given.value.filter(({ line }) => line >= 1 && line <= newDoc.lines),
      ({ line }) => line,
    )
    const builder = new RangeSetBuilder<Decoration>()
    for (const [line, notes] of [...byLine].sort(([a], [b]) => a - b)) {
      const { to } = newDoc.line(line)
      const words = notes.map((note) => note.words).join(' · ')
      builder.add(to, to, Decoration.widget({ widget: new NoteWidget(words), side: 1 }))
    }
    return builder.finish()
  },
  provide: (field) => EditorView.decorations.from(field),
})

export function lineNotes(): Extension {
  return [
    notesField,
    EditorView.theme({
      '.cm-line-note::after': {
        content: 'attr(data-words)',
        display: 'inline-block',
        maxWidth: '32rem',
        marginLeft: '2rem',
        overflow: 'hidden',
        verticalAlign: 'bottom',
        textOverflow: 'ellipsis',
        whiteSpace: 'nowrap',
        color: 'var(--suspicious)',
        fontFamily: 'var(--font)',
        fontSize: '0.75rem',
      },
    }),
  ]
}

/** Shows these and no others. */
export function showNotes(view: EditorView, notes: readonly LineNote[]): void {
  view.dispatch({ effects: setNotes.of(notes) })
}
