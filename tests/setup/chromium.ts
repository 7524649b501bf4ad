/** The browser that the page is walked through with. */
import { existsSync } from 'node:fs'
import { canInstall, cannotInstall, install } from './apt.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const macPath = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

/**
 * The path of a Chromium, installed from Debian when there is none.
 * @throws when there is none and it cannot be installed; the message is the reason of the skipped tests.
 */
export async function findChromium(say: (line: string) => void): Promise<string> {
  const found = onThisMachine()
  if (found !== null) return found
  if (!canInstall) throw new Error(`no Chromium, and ${cannotInstall}`)
  say('installing Chromium from Debian')
  await install(['chromium', 'fonts-dejavu-core'])
  const installed = onThisMachine()
  if (installed === null) throw new Error('Debian installed chromium, but no chromium is on PATH')
  return installed
}

function onThisMachine(): string | null {
  for (const name of names) {
    const path = Bun.which(name)
    if (path !== null) return path
  }
  return existsSync(macPath) ? macPath : null
}
