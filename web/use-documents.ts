/** The stored documents as a list: read page by page, filtered and sorted here, deleted with time to undo. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { deleteDocument, listDocuments } from './api.ts'
import type { StoredDocument } from './wire.ts'

/** What one request may ask for. */
const pageSize = 200
/** How long a deletion can be taken back; only then is the document deleted. */
const undoMs = 7_000

export interface DocumentList {
  documents: StoredDocument[]
  /** More pages are on their way. */
  loading: boolean
  error: unknown
  /** Deleted in the last seconds: gone from the list, not yet from the store. */
  removed: StoredDocument[]
  /** A deletion that the backend refused; the document is in the list again. */
  refused: unknown
  remove(document: StoredDocument): void
  undo(): void
  reload(): void
}

/** Reads the list again when `changes` does. */
export function useDocuments(changes: unknown): DocumentList {
  const [documents, setDocuments] = useState<StoredDocument[]>([])
  const [loading, setLoading] = useState(true)
  const [error, setError] = useState<unknown>(null)
  const [refused, setRefused] = useState<unknown>(null)
  const [round, setRound] = useState(0)
  const reload = useCallback(() => setRound((count) => count + 1), [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: both say only that the list is to be read again
  useEffect(() => {
    const left = new AbortController()
    const read = async () => {
      setLoading(true)
      setError(null)
      const found: StoredDocument[] = []
      let cursor: string | undefined
      do {
        const page = await listDocuments(
          { limit: pageSize, ...(cursor !== undefined && { cursor }) },
          left.signal,
        )
        found.push(...page.documents)
        cursor = page.next ?? undefined
        // What stood there stays until there is as much of the new.
        setDocuments((before) => (cursor === undefined || found.length > before.length ? [...found] : before))
      } while (cursor !== undefined)
      setLoading(false)
    }
    read().catch((failure) => {
      if (left.signal.aborted) return
      setError(failure)
      setLoading(false)
    })
    return () => left.abort()
  }, [changes, round])

  const deletion = useDeletion(setRefused, reload)
  const gone = deletion.hidden
  return {
    documents: gone.size === 0 ? documents : documents.filter(({ id }) => !gone.has(id)),
    loading,
    error,
    removed: deletion.removed,
    refused,
    remove(document) {
      setRefused(null)
      deletion.remove(document)
    },
    undo: deletion.undo,
    reload,
  }
}

/** Deletes after a time in which it can be taken back, and at once when the page is left. */
function useDeletion(onRefused: (error: unknown) => void, onDeleted: () => void) {
  const [removed, setRemoved] = useState<StoredDocument[]>([])
  /** Deleted ones stay hidden until the list that is read anew leaves them out. */
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const waiting = useRef<StoredDocument[]>([])
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)

  const commit = useCallback(
    async (leaving: boolean) => {
      clearTimeout(timer.current)
      const due = waiting.current.splice(0)
      setRemoved([])
      if (due.length === 0) return
      const outcomes = await Promise.allSettled(due.map(({ id }) => deleteDocument(id, leaving)))
      const kept = due.filter((_, at) => outcomes[at]?.status === 'rejected')
      const failure = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failure !== undefined) onRefused(failure.reason)
      setHidden((ids) => ids.difference(new Set(kept.map(({ id }) => id))))
      onDeleted()
    },
    [onRefused, onDeleted],
  )

  useEffect(() => {
    const leave = () => void commit(true)
    addEventListener('pagehide', leave)
    return () => {
      removeEventListener('pagehide', leave)
      leave()
    }
  }, [commit])

  return {
    removed,
    hidden,
    remove(document: StoredDocument) {
      waiting.current.push(document)
      setRemoved([...waiting.current])
      setHidden((ids) => new Set(ids).add(document.id))
      clearTimeout(timer.current)
      timer.current = setTimeout(() => void commit(false), undoMs)
    },
    undo() {
      clearTimeout(timer.current)
      const back = new Set(waiting.current.splice(0).map(({ id }) => id))
      setRemoved([])
      setHidden((ids) => ids.difference(back))
    },
  }
}

export interface Filter {
  /** Words that must all occur in the title or the source. */
  search: string
  /** A media type, language or collection; empty lets all through. */
  kind: string
  language: string
  collection: string
  sort: 'changed' | 'title' | 'size' | 'passages'
}

export const noFilter: Filter = { search: '', kind: '', language: '', collection: '', sort: 'changed' }

/** The documents that a filter lets through, in its order. */
export function filtered(documents: StoredDocument[], filter: Filter, locale: string): StoredDocument[] {
  const words = folded(filter.search).split(/\s+/).filter(Boolean)
  const collator = new Intl.Collator(locale, { numeric: true })
  const orders: Record<Filter['sort'], (one: StoredDocument, other: StoredDocument) => number> = {
    changed: (one, other) => Date.parse(other.updatedAt) - Date.parse(one.updatedAt),
    title: (one, other) => collator.compare(one.title, other.title),
    size: (one, other) => other.bytes - one.bytes,
    passages: (one, other) => other.passages - one.passages,
  }
  return documents
    .filter(
      (document) =>
        (filter.kind === '' || kindOf(document) === filter.kind) &&
        (filter.language === '' || document.language === filter.language) &&
        (filter.collection === '' || document.collection === filter.collection) &&
        (words.length === 0 || holdsAll(document, words)),
    )
    .sort(orders[filter.sort])
}

function holdsAll(document: StoredDocument, words: string[]): boolean {
  const text = folded(`${document.title} ${document.source}`)
  return words.every((word) => text.includes(word))
}

/** Case and accents aside: `GARCIA` finds `García`. */
function folded(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()
}

/** What people call a kind of file: its ending, or else its media type. */
export function kindOf({ source, mediaType }: Pick<StoredDocument, 'source' | 'mediaType'>): string {
  return /\.([a-z0-9]{1,8})$/i.exec(source)?.[1]?.toLowerCase() ?? mediaType
}
