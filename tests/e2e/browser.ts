/** Debian's Chromium, driven by playwright-core, with a new empty profile. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { findChromium } from '../setup/chromium.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The path of a Chromium, MENTOR_TEST_CHROMIUM if that is set, or why there is none. */
export async function browserPath(): Promise<{ path: string } | { reason: string }> {
  const named = process.env.MENTOR_TEST_CHROMIUM ?? ''
  if (named !== '') return { path: named }
  try {
    return { path: await findChromium((line) => console.error(line)) }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

export function openBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: flags })
}

export interface OpenPage {
  page: Page
  /** Errors of the console and of scripts, but for those of `expectErrors`. */
  errors: string[]
  /** Requests that left the page's origin. */
  strays: string[]
  close(): Promise<void>
}

/** Opens the page and waits until it has heard from the backend. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const errors: string[] = []
  const strays: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) strays.push(request.url())
  })
  await page.goto(url)
  await page.locator('.status[data-light]').waitFor()
  return { page, errors, strays, close: () => context.close() }
}

/** Types a question, sends it with Enter and waits for the end of its answer. */
export async function ask(page: Page, question: string): Promise<void> {
  const before = await page.locator('.provenance').count()
  const box = page.getByRole('textbox', { name: 'Ask' })
  await box.fill(question)
  await box.press('Enter')
  await page.locator('.provenance').nth(before).waitFor()
}
