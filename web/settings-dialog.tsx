import { useEffect, useId, useState } from 'react'
import { listCollections } from './api.ts'
import { Dialog } from './dialog.tsx'
import { changeSettings, settingChoices, useSettings } from './settings.ts'
import { useTexts } from './use-texts.ts'

/** What is chosen holds at once; there is nothing to save. */
export function SettingsDialog({ onClose }: { onClose(): void }) {
  const { settings: texts } = useTexts()
  const chosen = useSettings()
  const collections = useCollections(chosen.collection)
  return (
    <Dialog title={texts.title} closeName={texts.close} onClose={onClose}>
      <Choice
        legend={texts.theme}
        values={settingChoices.theme}
        names={texts.themes}
        chosen={chosen.theme}
        onChoose={(theme) => changeSettings({ theme })}
      />
      <Choice
        legend={texts.language}
        values={settingChoices.language}
        names={texts.languages}
        chosen={chosen.language}
        onChoose={(language) => changeSettings({ language })}
      />
      <Choice
        legend={texts.length}
        hint={texts.lengthHint}
        values={settingChoices.length}
        names={texts.lengths}
        chosen={chosen.length}
        onChoose={(length) => changeSettings({ length })}
      />
      <label className="field">
        <span>{texts.rung}</span>
        <select
          value={chosen.rung}
          onChange={(event) => {
            const rung = settingChoices.rung.find((one) => one === event.target.value)
            if (rung !== undefined) changeSettings({ rung })
          }}
        >
          {settingChoices.rung.map((rung) => (
            <option key={rung} value={rung}>
              {texts.rungChoices[rung]}
            </option>
          ))}
        </select>
        <span className="aside">{texts.rungHint}</span>
      </label>
      <label className="field">
        <span>{texts.collection}</span>
        <select
          value={chosen.collection}
          onChange={(event) => changeSettings({ collection: event.target.value })}
        >
          <option value="">{texts.everything}</option>
          {collections.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <p className="aside">{texts.kept}</p>
    </Dialog>
  )
}

interface ChoiceProps<Value extends string> {
  legend: string
  hint?: string
  values: readonly Value[]
  names: Record<Value, string>
  chosen: Value
  onChoose(value: Value): void
}

function Choice<Value extends string>(props: ChoiceProps<Value>) {
  const { legend, hint, values, names, chosen, onChoose } = props
  const group = useId()
  return (
    <fieldset className="field">
      <legend>{legend}</legend>
      <div className="segments">
        {values.map((value) => (
          <label key={value}>
            <input type="radio" name={group} checked={chosen === value} onChange={() => onChoose(value)} />
            <span>{names[value]}</span>
          </label>
        ))}
      </div>
      {hint !== undefined && <span className="aside">{hint}</span>}
    </fieldset>
  )
}

/** The names of the collections, the chosen one among them even when it is gone: a choice must not change unseen. */
function useCollections(chosen: string): string[] {
  const [names, setNames] = useState<string[]>([])
  useEffect(() => {
    let left = false
    listCollections().then(
      (found) => !left && setNames(found),
      // The status says that the backend has gone.
      () => {},
    )
    return () => {
      left = true
    }
  }, [])
  return chosen === '' || names.includes(chosen) ? names : [...names, chosen]
}
