/** The stored documents: searched, filtered, sorted, opened, deleted. */
import { useDeferredValue, useMemo, useState } from 'react'
import { AddButtons, type OnFiles } from './add-button.tsx'
import { DeleteIcon } from './icons.tsx'
import { Notice } from './notice.tsx'
import type { Texts } from './texts/en.ts'
import { type DocumentList, type Filter, filtered, kindOf, noFilter } from './use-documents.ts'
import { useTexts } from './use-texts.ts'
import { VirtualList } from './virtual-list.tsx'
import type { StoredDocument } from './wire.ts'
import { size } from './wording.ts'

interface DocumentsViewProps {
  list: DocumentList
  /** The document that is open. */
  opened: string | null
  onOpen(document: StoredDocument): void
  onFiles: OnFiles
}

export function DocumentsView({ list, opened, onOpen, onFiles }: DocumentsViewProps) {
  const texts = useTexts()
  const [filter, setFilter] = useState(noFilter)
  // Typing stays quick however long the list is.
  const applied = useDeferredValue(filter)
  const shown = useMemo(
    () => filtered(list.documents, applied, texts.tag),
    [list.documents, applied, texts.tag],
  )
  return (
    <main className="documents">
      <header>
        <h2>{texts.list.title}</h2>
        <p className="aside" role="status">
          {list.loading && list.documents.length === 0
            ? texts.list.loading(0)
            : texts.list.shown(shown.length, list.documents.length)}
        </p>
        <AddButtons onFiles={onFiles} />
      </header>
      <Filters documents={list.documents} filter={filter} onChange={setFilter} />
      {list.error !== null && <Notice error={list.error} what={texts.list.subject} onAgain={list.reload} />}
      {list.refused !== null && <Notice error={list.refused} what={texts.list.removing} />}
      {shown.length > 0 ? (
        <VirtualList
          items={shown}
          rowRem={4.25}
          label={texts.list.title}
          keyOf={(document) => document.id}
          row={(document) => (
            <Row document={document} opened={opened === document.id} onOpen={onOpen} onRemove={list.remove} />
          )}
        />
      ) : (
        <Nothing list={list} onClear={() => setFilter(noFilter)} />
      )}
    </main>
  )
}

/** What was just deleted, while it can be taken back. */
export function Undo({ list }: { list: DocumentList }) {
  const texts = useTexts()
  const [first] = list.removed
  return (
    <div className="undo" role="status">
      {first !== undefined && (
        <div>
          <bdi>
            {list.removed.length === 1
              ? texts.list.removed(first.title)
              : texts.list.removedMany(list.removed.length)}
          </bdi>
          <button type="button" onClick={list.undo}>
            {texts.list.undo}
          </button>
        </div>
      )}
    </div>
  )
}

function Nothing({ list, onClear }: { list: DocumentList; onClear(): void }) {
  const { list: texts } = useTexts()
  if (list.loading || list.error !== null) return null
  if (list.documents.length === 0) return <p className="nothing">{texts.none}</p>
  return (
    <div className="nothing">
      <p>{texts.noMatch}</p>
      <button type="button" className="quiet" onClick={onClear}>
        {texts.clear}
      </button>
    </div>
  )
}

interface FiltersProps {
  documents: StoredDocument[]
  filter: Filter
  onChange(filter: Filter): void
}

function Filters({ documents, filter, onChange }: FiltersProps) {
  const texts = useTexts()
  const { list } = texts
  const values = useMemo(
    () => ({
      kind: distinct(documents.map(kindOf)),
      language: distinct(documents.map(({ language }) => language)),
      collection: distinct(documents.map(({ collection }) => collection)),
    }),
    [documents],
  )
  const sorts = Object.entries(list.sorts)
  return (
    <search className="filters">
      <input
        type="search"
        aria-label={list.search}
        placeholder={list.search}
        value={filter.search}
        onChange={(event) => onChange({ ...filter, search: event.target.value })}
      />
      {(['kind', 'language', 'collection'] as const).map(
        (name) =>
          values[name].length > 1 && (
            <label key={name}>
              <span>{list[name]}</span>
              <select
                value={filter[name]}
                onChange={(event) => onChange({ ...filter, [name]: event.target.value })}
              >
                <option value="">{list.all}</option>
                {values[name].map((value) => (
                  <option key={value} value={value}>
                    {name === 'language' ? languageName(value, texts) : value}
                  </option>
                ))}
              </select>
            </label>
          ),
      )}
      <label>
        <span>{list.sort}</span>
        <select
          value={filter.sort}
          onChange={({ target }) => {
            if (isSort(target.value)) onChange({ ...filter, sort: target.value })
          }}
        >
          {sorts.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </search>
  )
}

function isSort(value: string): value is Filter['sort'] {
  return value === 'changed' || value === 'title' || value === 'size' || value === 'passages'
}

function distinct(values: string[]): string[] {
  return [...new Set(values)].sort()
}

function languageName(tag: string, texts: Texts): string {
  if (tag === 'und') return '–'
  return new Intl.DisplayNames(texts.tag, { type: 'language', fallback: 'code' }).of(tag) ?? tag
}

interface RowProps {
  document: StoredDocument
  opened: boolean
  onOpen(document: StoredDocument): void
  onRemove(document: StoredDocument): void
}

function Row({ document, opened, onOpen, onRemove }: RowProps) {
  const texts = useTexts()
  const { list } = texts
  const facts = [
    kindOf(document),
    size(document.bytes),
    texts.passages(document.passages),
    document.warnings.length === 0 ? '' : list.warnings(document.warnings.length),
    list.changed(texts.date(document.updatedAt)),
    document.source === document.title ? '' : document.source,
  ].filter(Boolean)
  return (
    <div className="document" data-open={opened}>
      <button
        type="button"
        aria-expanded={opened}
        title={document.warnings.join('\n') || undefined}
        onClick={() => onOpen(document)}
      >
        <bdi className="title">{document.title}</bdi>
        <span className="facts">
          {facts.map((fact) => (
            <bdi key={fact}>{fact}</bdi>
          ))}
        </span>
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={list.remove(document.title)}
        title={list.remove(document.title)}
        onClick={() => onRemove(document)}
      >
        <DeleteIcon />
      </button>
    </div>
  )
}
