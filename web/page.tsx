/** The page: the questions or the documents, and beside them the source that is open. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { AskView } from './ask-view.tsx'
import { DocumentsView, Undo } from './documents-view.tsx'
import { DropZone } from './drop-zone.tsx'
import { KeysDialog } from './keys-dialog.tsx'
import { keepDraft, keptDraft } from './settings.ts'
import { SettingsDialog } from './settings-dialog.tsx'
import { CitedSource, DocumentSource } from './source-panel.tsx'
import type { Texts } from './texts/en.ts'
import { TopBar } from './top-bar.tsx'
import { UploadList } from './upload-list.tsx'
import { type Turn, useConversation } from './use-conversation.ts'
import { useDocuments } from './use-documents.ts'
import { useHealth } from './use-health.ts'
import { useKeys } from './use-keys.ts'
import { useNarrow } from './use-narrow.ts'
import { usePageLanguage, useTexts } from './use-texts.ts'
import { useUploads } from './use-uploads.ts'
import { goTo, useView } from './use-view.ts'
import type { Citation, DocumentReference } from './wire.ts'

export function Page() {
  const texts = useTexts()
  usePageLanguage(texts)
  const view = useView()
  const [draft, setDraft] = useDraft()
  const [dialog, setDialog] = useState<'settings' | 'keys' | null>(null)
  const [uploading, setUploading] = useState(false)
  const watch = useHealth(uploading)
  const { refresh } = watch
  const uploads = useUploads(refresh)
  useEffect(() => setUploading(uploads.busy), [uploads.busy])
  const keep = useCallback((question: string) => setDraft((typed) => typed || question), [setDraft])
  const conversation = useConversation(keep)
  const source = useSource()
  const narrow = useNarrow()
  const { turns, failure } = conversation

  // A failed question is the first sign that the backend has gone: the status must not say otherwise.
  useEffect(() => {
    if (failure !== null) refresh()
  }, [failure, refresh])

  useKeys({
    '/': () => {
      goTo('ask')
      // After the view has changed.
      requestAnimationFrame(() => document.getElementById('ask')?.focus())
    },
    '?': () => setDialog('keys'),
    escape: () => source.open === null && conversation.busy && conversation.stop(),
  })

  return (
    <DropZone onFiles={uploads.add}>
      <div className="page" data-source={source.open === null ? 'closed' : 'open'}>
        <div className="main" inert={narrow && source.open !== null}>
          <TopBar
            view={view}
            watch={watch}
            onFiles={uploads.add}
            onDialog={setDialog}
            onNew={turns.length === 0 ? undefined : conversation.clear}
          />
          {view === 'ask' ? (
            <AskView
              conversation={conversation}
              draft={draft}
              onDraft={setDraft}
              watch={watch}
              uploads={uploads}
              opened={source.open?.kind === 'citation' ? source.open : null}
              onOpen={(turn, citation) => source.show({ kind: 'citation', turn, citation })}
            />
          ) : (
            <Documents
              changes={`${watch.health?.counts.documents} ${watch.health?.counts.passages} ${watch.gone}`}
              opened={source.open?.kind === 'document' ? source.open.document.id : null}
              onOpen={(document) => source.show({ kind: 'document', document })}
              uploads={uploads}
            />
          )}
          <p className="visually-hidden" role="status">
            {spokenState(turns.at(-1), texts)}
          </p>
        </div>
        {source.open?.kind === 'citation' && (
          <CitedSource
            key={source.open.turn}
            citation={source.open.citation}
            citations={citationsOf(turns, source.open.turn)}
            onShow={source.move}
            onClose={source.close}
          />
        )}
        {source.open?.kind === 'document' && (
          <DocumentSource
            key={source.open.document.id}
            document={source.open.document}
            onClose={source.close}
          />
        )}
      </div>
      {dialog === 'settings' && <SettingsDialog onClose={() => setDialog(null)} />}
      {dialog === 'keys' && <KeysDialog onClose={() => setDialog(null)} />}
    </DropZone>
  )
}

interface DocumentsProps {
  changes: string
  opened: string | null
  onOpen(document: DocumentReference): void
  uploads: ReturnType<typeof useUploads>
}

function Documents({ changes, opened, onOpen, uploads }: DocumentsProps) {
  const list = useDocuments(changes)
  return (
    <div className="documents-page">
      <UploadList uploads={uploads} />
      <DocumentsView list={list} opened={opened} onOpen={onOpen} onFiles={uploads.add} />
      <Undo list={list} />
    </div>
  )
}

function citationsOf(turns: Turn[], id: string): Citation[] {
  return turns.find((turn) => turn.id === id)?.answer?.citations ?? []
}

/** The end of an answer, for those who cannot see it; the answer itself is read out as it arrives. */
function spokenState(turn: Turn | undefined, { spoken }: Texts): string {
  if (turn?.state === 'waiting') return spoken.looking
  if (turn?.state === 'done' && turn.answer !== null) {
    return turn.answer.abstained ? spoken.notEnough : spoken.complete(turn.answer.citations.length)
  }
  return turn?.state === 'stopped' ? spoken.stopped : ''
}

/** The text in the composer, kept over a reload. */
function useDraft() {
  const [draft, setDraft] = useState(keptDraft)
  useEffect(() => keepDraft(draft), [draft])
  return [draft, setDraft] as const
}

type OpenSource =
  | { kind: 'citation'; turn: string; citation: Citation }
  | { kind: 'document'; document: DocumentReference }

/** The source that is open; focus goes back to its button when it closes. */
function useSource() {
  const [open, setOpen] = useState<OpenSource | null>(null)
  const opener = useRef<Element | null>(null)
  const show = (source: OpenSource) => {
    opener.current = document.activeElement
    setOpen(source)
  }
  const move = (citation: Citation) =>
    setOpen((source) => (source?.kind === 'citation' ? { ...source, citation } : source))
  const close = useCallback(() => setOpen(null), [])
  useEffect(() => {
    // After the panel has left, when its opener is no longer inert.
    if (open === null && opener.current instanceof HTMLElement) opener.current.focus()
  }, [open])
  return { open, show, move, close }
}
