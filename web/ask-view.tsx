/** Ask at the bottom, turns above it. */
import { AnsweredTurn } from './answer.tsx'
import { AskBox } from './ask-box.tsx'
import { EmptyState } from './empty-state.tsx'
import { Notice } from './notice.tsx'
import { UploadList } from './upload-list.tsx'
import type { Conversation } from './use-conversation.ts'
import { useFollow } from './use-follow.ts'
import type { HealthWatch } from './use-health.ts'
import { useResend } from './use-resend.ts'
import { useTexts } from './use-texts.ts'
import type { Uploads } from './use-uploads.ts'
import type { Citation } from './wire.ts'

interface AskViewProps {
  conversation: Conversation
  draft: string
  onDraft(text: string): void
  watch: HealthWatch
  uploads: Uploads
  opened: { turn: string; citation: Citation } | null
  onOpen(turn: string, citation: Citation): void
}

export function AskView({ conversation, draft, onDraft, watch, uploads, opened, onOpen }: AskViewProps) {
  const texts = useTexts()
  const { turns, busy, failure } = conversation
  const follow = useFollow(turns)
  const ask = (question: string) => {
    onDraft('')
    follow.start()
    conversation.ask(question)
  }
  const again: Conversation['again'] = (rung) => {
    follow.start()
    conversation.again(rung)
  }
  const resendIn = useResend({ failure, gone: watch.gone, draft, ask, again })
  const last = turns.at(-1)
  return (
    <div className="scroller" ref={follow.scroller}>
      <main {...follow.listeners}>
        {turns.length === 0 && <EmptyState health={watch.health} onAsk={ask} onFiles={uploads.add} />}
        {turns.map((turn) => (
          <AnsweredTurn
            key={turn.id}
            turn={turn}
            error={failure?.turn === turn.id ? failure.error : null}
            opened={opened?.turn === turn.id ? opened.citation.number : null}
            onOpen={(citation) => onOpen(turn.id, citation)}
            onAgain={turn === last && !busy ? again : undefined}
            onEdit={
              busy
                ? undefined
                : (question) => {
                    follow.start()
                    conversation.edit(turn.id, question)
                  }
            }
          />
        ))}
      </main>
      <footer className="dock">
        <UploadList uploads={uploads} />
        {failure !== null && failure.turn === null && (
          <Notice
            error={failure.error}
            what={texts.ask.question}
            next={resendIn === null ? null : texts.failure.sentAgain(texts.failure.seconds(resendIn))}
            onDismiss={conversation.dismiss}
          />
        )}
        <AskBox draft={draft} onDraft={onDraft} busy={busy} onAsk={ask} onStop={conversation.stop} />
      </footer>
    </div>
  )
}
