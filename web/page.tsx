/** The page: ask at the bottom, turns above it, the source of a citation beside them. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { AnsweredTurn } from './answer.tsx'
import { AskBox } from './ask-box.tsx'
import { DropZone } from './drop-zone.tsx'
import { EmptyState } from './empty-state.tsx'
import { Notice } from './notice.tsx'
import { SourcePanel } from './source-panel.tsx'
import { StatusBar } from './status-bar.tsx'
import { UploadList } from './upload-list.tsx'
import { type Turn, useConversation } from './use-conversation.ts'
import { useFollow } from './use-follow.ts'
import { useHealth } from './use-health.ts'
import { useNarrow } from './use-narrow.ts'
import { useUploads } from './use-uploads.ts'
import type { Citation } from './wire.ts'
import { counted } from './wording.ts'

export function Page() {
  const [draft, setDraft] = useState('')
  const [uploading, setUploading] = useState(false)
  const watch = useHealth(uploading)
  const { refresh } = watch
  const uploads = useUploads(refresh)
  useEffect(() => setUploading(uploads.busy), [uploads.busy])
  const keep = useCallback((question: string) => setDraft((typed) => typed || question), [])
  const conversation = useConversation(keep)
  const { turns, busy, failure } = conversation
  const source = useSource()
  const narrow = useNarrow()
  const follow = useFollow(turns)

  // A failed question is the first sign that the backend has gone: the status must not say otherwise.
  useEffect(() => {
    if (failure !== null) refresh()
  }, [failure, refresh])

  const ask = (question: string) => {
    setDraft('')
    follow.start()
    conversation.ask(question)
  }
  const last = turns.at(-1)

  return (
    <DropZone onFiles={uploads.add}>
      <div className="page" data-source={source.open === null ? 'closed' : 'open'}>
        <div className="main" inert={narrow && source.open !== null}>
          <StatusBar watch={watch} onFiles={uploads.add} />
          <div className="scroller" ref={follow.scroller}>
            <main {...follow.listeners}>
              {turns.length === 0 && <EmptyState health={watch.health} onAsk={ask} onFiles={uploads.add} />}
              {turns.map((turn) => (
                <AnsweredTurn
                  key={turn.id}
                  turn={turn}
                  error={failure?.turn === turn.id ? failure.error : null}
                  opened={source.open?.turn === turn.id ? source.open.citation.number : null}
                  onOpen={(citation) => source.show(turn.id, citation)}
                  onAgain={turn === last && !busy ? conversation.again : undefined}
                />
              ))}
            </main>
            <footer className="dock">
              <UploadList uploads={uploads} />
              {failure !== null && failure.turn === null && (
                <Notice error={failure.error} what="The question" />
              )}
              <AskBox draft={draft} onDraft={setDraft} busy={busy} onAsk={ask} onStop={conversation.stop} />
            </footer>
          </div>
          <p className="visually-hidden" role="status">
            {spokenState(last)}
          </p>
        </div>
        {source.open !== null && (
          <SourcePanel
            key={`${source.open.turn} ${source.open.citation.number}`}
            citation={source.open.citation}
            onClose={source.close}
          />
        )}
      </div>
    </DropZone>
  )
}

/** The end of an answer, for those who cannot see it; the answer itself is read out as it arrives. */
function spokenState(turn: Turn | undefined): string {
  if (turn?.state === 'waiting') return 'Looking in your documents.'
  if (turn?.state === 'done' && turn.answer !== null) {
    if (turn.answer.abstained) return 'Not enough in your documents to answer.'
    return `Answer complete, ${counted(turn.answer.citations.length, 'source')}.`
  }
  return turn?.state === 'stopped' ? 'Stopped.' : ''
}

/** The citation whose source is open; focus goes back to its button when it closes. */
function useSource() {
  const [open, setOpen] = useState<{ turn: string; citation: Citation } | null>(null)
  const opener = useRef<Element | null>(null)
  const show = (turn: string, citation: Citation) => {
    opener.current = document.activeElement
    setOpen({ turn, citation })
  }
  const close = useCallback(() => setOpen(null), [])
  useEffect(() => {
    // After the panel has left, when its opener is no longer inert.
    if (open === null && opener.current instanceof HTMLElement) opener.current.focus()
  }, [open])
  return { open, show, close }
}
