import { Dialog } from './dialog.tsx'
import { useTexts } from './use-texts.ts'

export function KeysDialog({ onClose }: { onClose(): void }) {
  const { keys, settings } = useTexts()
  return (
    <Dialog title={keys.title} closeName={settings.close} onClose={onClose}>
      <dl className="keys">
        {keys.list.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
