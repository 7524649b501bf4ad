/** The name, the views, what Mentor holds and who will answer, and the ways to everything else. */
import { AddButtons, type OnFiles } from './add-button.tsx'
import { KeysIcon, NewIcon, SettingsIcon } from './icons.tsx'
import { Status } from './status-bar.tsx'
import type { HealthWatch } from './use-health.ts'
import { useTexts } from './use-texts.ts'
import { addressOf, type View } from './use-view.ts'

interface TopBarProps {
  view: View
  watch: HealthWatch
  onFiles: OnFiles
  onDialog(dialog: 'settings' | 'keys'): void
  /** Not there when there is no conversation to leave. */
  onNew: (() => void) | undefined
}

export function TopBar({ view, watch, onFiles, onDialog, onNew }: TopBarProps) {
  const { bar } = useTexts()
  return (
    <header className="top">
      <h1>Mentor</h1>
      <nav aria-label={bar.views}>
        {(['ask', 'documents'] as const).map((name) => (
          <a key={name} href={addressOf[name]} aria-current={view === name ? 'page' : undefined}>
            {bar[name]}
          </a>
        ))}
      </nav>
      <Status watch={watch} />
      <div className="tools">
        {onNew !== undefined && view === 'ask' && (
          <button
            type="button"
            className="icon-button"
            aria-label={bar.newConversation}
            title={bar.newConversation}
            onClick={onNew}
          >
            <NewIcon />
          </button>
        )}
        {view === 'ask' && <AddButtons onFiles={onFiles} folder={false} />}
        <button
          type="button"
          className="icon-button keys-button"
          aria-label={bar.keys}
          title={bar.keys}
          onClick={() => onDialog('keys')}
        >
          <KeysIcon />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={bar.settings}
          title={bar.settings}
          onClick={() => onDialog('settings')}
        >
          <SettingsIcon />
        </button>
      </div>
    </header>
  )
}
