/** The page as people use it: asking, reading, checking, keeping documents, settings; by keyboard, and when things fail. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { dirname, join } from 'node:path'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { type BackendProcess, newDataDir, startBackend } from './backend-process.ts'
import { ask, browserPath, type OpenPage, openBrowser, type openPage } from './browser.ts'
import { citationsOf, type ScriptedBackend, startScriptedBackend } from './scripted-backend.ts'
import { phone, send, sideways, walk } from './walk.ts'

const samples = join(dirname(dirname(import.meta.dir)), 'samples')
const nowhere = 'http://127.0.0.1:9'
const question = 'How many days of leave do I get in a year?'
const unanswerable = 'Who won the football world cup in 1998?'

setDefaultTimeout(120_000)

const found = await browserPath()
const title = 'reason' in found ? `using the page (${found.reason})` : 'using the page'

let browser: Browser
let backend: BackendProcess
let door: ScriptedBackend
let dataDir: Awaited<ReturnType<typeof newDataDir>>
const through = (options: Parameters<typeof openPage>[2], steps: (open: OpenPage) => Promise<void>) =>
  walk(browser, door.url, options, steps)

describe.skipIf('reason' in found)(title, () => {
  beforeAll(async () => {
    dataDir = await newDataDir()
    browser = await openBrowser('path' in found ? found.path : '')
    backend = await startBackend({ dataDir: dataDir.path, folders: [samples], serviceUrl: nowhere })
    door = startScriptedBackend(backend.url)
  }, 300_000)

  afterAll(async () => {
    await browser?.close()
    await door?.stop()
    await backend?.stop()
    await dataDir?.remove()
  })

  describe('reading', () => {
    test('Markdown is drawn as it streams; numbers open their source once it is done', () =>
      through({}, async ({ page }) => {
        const citations = await citationsOf(backend.url, question)
        const pieces = [
          'Leave is **28 days**. [1]\n\n| a | b |\n| - | - |\n',
          '| 1 | 2 |\n\n```ts\nconst a',
          ' = 1\n```\n',
        ]
        door.script('/api/ask', { kind: 'answer', pieces, hold: true, answer: { citations } })
        await send(page, question)
        await page.locator('.answer pre').getByText('const a = 1').waitFor()
        expect(await page.locator('.answer strong').textContent()).toBe('28 days')
        expect(await page.locator('.answer td').allTextContents()).toEqual(['1', '2'])
        expect(await page.locator('.answer button.marker').count()).toBe(0)
        door.finish()
        door.script('/api/ask', null)
        await page.locator('.answer button.marker').waitFor()
        await page.locator('.answer button.marker').focus()
        await page.locator('.preview').waitFor()
        expect(await page.locator('.preview').textContent()).toContain(
          citations[0]?.quote.slice(0, 100) ?? 'no citation',
        )
        await page.keyboard.press('Escape')
        expect(await page.locator('.preview').count()).toBe(0)
      }))

    test('next and previous source, by button and by key', () =>
      through({}, async ({ page }) => {
        await ask(page, question)
        const quotes = (await citationsOf(backend.url, question)).map(({ quote }) => quote)
        expect(quotes.length).toBeGreaterThan(1)
        const marked = async (quote: string | undefined) => {
          await page.waitForFunction((words) => document.querySelector('mark')?.textContent === words, quote)
        }
        await page
          .getByRole('button', { name: /^Source 1: / })
          .first()
          .click()
        await marked(quotes[0])
        await page.getByRole('button', { name: 'Next source' }).click()
        await marked(quotes[1])
        await page.keyboard.press('[')
        await marked(quotes[0])
        await page.keyboard.press(']')
        await marked(quotes[1])
      }))

    test('the answer is copied with its references', () =>
      through({ permissions: ['clipboard-read', 'clipboard-write'] }, async ({ page }) => {
        await ask(page, question)
        await page.getByRole('button', { name: 'Copy answer' }).click()
        await page.locator('[data-outcome="copied"]').waitFor()
        const copied = await page.evaluate(() => navigator.clipboard.readText())
        expect(copied).toContain('Leave is 28 days')
        expect(copied).toMatch(/Sources:\n\[1\] Welcome to Lindenmoor, /)
      }))
  })

  describe('asking', () => {
    test('a question is edited and sent again, in its place', () =>
      through({}, async ({ page }) => {
        await ask(page, unanswerable)
        await page.getByRole('button', { name: 'Edit question' }).click()
        const edit = page.getByRole('textbox', { name: 'Edited question' })
        await edit.fill(question)
        await edit.press('Enter')
        await page.locator('.answer').getByText('Leave is 28 days').waitFor()
        expect(await page.locator('.turn').count()).toBe(1)
      }))

    test('another rung is asked; one that is not there leaves the answer as it was and says why', () =>
      through({}, async (open) => {
        const { page } = open
        await ask(page, question)
        await page.locator('.menu summary').click()
        const answered = page.waitForResponse((one) => one.url().endsWith('/api/ask'))
        await page.getByRole('button', { name: 'your documents alone' }).click()
        await answered
        await page.locator('.provenance').waitFor()
        expect(door.asked.at(-1)?.rung).toBe('context-only')
        await page.locator('.menu summary').click()
        await page.getByRole('button', { name: 'local model' }).click()
        await page.getByRole('alert').waitFor()
        expect(await page.locator('.answer').textContent()).toContain('Leave is 28 days')
        expect(await page.locator('#ask').inputValue()).toBe('')
        // The browser itself logs the refused request; it was meant.
        expect(open.errors.splice(0).map((error) => /\d{3}/.exec(error)?.[0])).toEqual(['503'])
      }))

    test('what is typed outlives a reload', () =>
      through({}, async ({ page }) => {
        await page.locator('#ask').fill('half a question')
        await page.reload()
        await page.locator('.status[data-light]').waitFor()
        expect(await page.locator('#ask').inputValue()).toBe('half a question')
      }))

    test('keys: / writes, ? shows the keys, Escape closes and stops', () =>
      through({}, async ({ page }) => {
        await page.locator('h1').click()
        await page.evaluate(
          () => document.activeElement instanceof HTMLElement && document.activeElement.blur(),
        )
        await page.keyboard.press('?')
        await page.getByRole('dialog', { name: 'Keys' }).waitFor()
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
        await page.evaluate(
          () => document.activeElement instanceof HTMLElement && document.activeElement.blur(),
        )
        await page.keyboard.press('/')
        await page.waitForFunction(() => document.activeElement?.id === 'ask')
        expect(await page.locator('#ask').inputValue()).toBe('')
        door.script('/api/ask', { kind: 'answer', pieces: ['Half an answer'], hold: true })
        await send(page, question)
        await page.locator('.answer').getByText('Half an answer').waitFor()
        await page.keyboard.press('Escape')
        await page.getByText('You stopped this answer.').waitFor()
        door.finish()
        door.script('/api/ask', null)
      }))
  })

  test('trust: the line and the trace behind it', () =>
    through({}, async ({ page }) => {
      await ask(page, question)
      const line = page.locator('.provenance summary')
      expect(await line.textContent()).toMatch(/context-only.*1 document used.*first word after.*in all/s)
      await line.click()
      const rows = page.locator('.trace tbody tr')
      expect(await rows.count()).toBe(5)
      expect(await rows.first().textContent()).toMatch(/\d\.\d\d/)
      expect(await page.locator('.trace').getByText('yes', { exact: true }).count()).toBeGreaterThan(0)
    }))

  describe('documents', () => {
    test('search, filter, sort, open, delete and undo', () =>
      through({}, async ({ page }) => {
        await page.getByRole('link', { name: 'Documents' }).click()
        const rows = page.locator('.document')
        await rows.first().waitFor()
        const all = await rows.count()
        await page.getByRole('searchbox').fill('glass')
        await page.waitForFunction(() => document.querySelectorAll('.document').length === 1)
        await rows.first().getByRole('button').first().click()
        await page.locator('.original').getByText('tropical house').first().waitFor()
        await page.keyboard.press('Escape')
        await page.getByRole('button', { name: 'Delete Care of the glasshouses' }).click()
        await page.getByText('No document matches.').waitFor()
        await page.getByRole('button', { name: 'Undo' }).click()
        await rows.first().waitFor()
        await page.getByRole('searchbox').fill('')
        await page.getByLabel('Kind').selectOption('md')
        await page.waitForFunction((count) => document.querySelectorAll('.document').length < count, all)
        const stored = await fetch(`${backend.url}/api/documents`)
        expect(((await stored.json()) as { documents: unknown[] }).documents.length).toBe(all)
      }))

    test('a deleted document is gone for good after its time, and when the page is left', () =>
      through({}, async ({ page }) => {
        const upload = page.getByLabel('Documents to add')
        await upload.setInputFiles([
          { name: 'one.txt', mimeType: 'text/plain', buffer: Buffer.from('The first of two papers.') },
          { name: 'two.txt', mimeType: 'text/plain', buffer: Buffer.from('The second of two papers.') },
        ])
        await page.locator('.uploads [data-state="done"]').nth(1).waitFor()
        await page.getByRole('link', { name: 'Documents' }).click()
        await page.getByRole('searchbox').fill('one.txt')
        await page.waitForFunction(() => document.querySelectorAll('.document').length === 1)
        await page.getByRole('button', { name: /^Delete / }).click()
        await stored('one.txt', false)
        await page.getByRole('searchbox').fill('two.txt')
        await page.waitForFunction(() => document.querySelectorAll('.document').length === 1)
        await page.getByRole('button', { name: /^Delete / }).click()
        await page.goto('about:blank')
        await stored('two.txt', false)
      }))

    test('10,000 rows: only those in sight are in the page, and the last can be reached', () =>
      through({}, async ({ page }) => {
        await page.route('**/api/documents?*', (route) => {
          const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0)
          const documents = Array.from({ length: 200 }, (_, at) => listed(from + at))
          return route.fulfill({ json: { documents, next: from + 200 < 10_000 ? `${from + 200}` : null } })
        })
        await page.getByRole('link', { name: 'Documents' }).click()
        await page.getByText('10,000 documents').waitFor()
        expect(await page.locator('.document').count()).toBeLessThan(60)
        await page.locator('.virtual').evaluate((element) => element.scrollTo(0, element.scrollHeight))
        await page.locator('.document').getByText('Document 9999', { exact: true }).waitFor()
        expect(await page.locator('.document').count()).toBeLessThan(60)
        await page.getByRole('searchbox').fill('document 4321')
        await page.waitForFunction(() => document.querySelectorAll('.document').length === 1)
      }))
  })

  test('settings hold at once, go along with the question, and outlive a reload', () =>
    through({ colorScheme: 'light' }, async ({ page }) => {
      await page.getByRole('button', { name: 'Settings' }).click()
      await page.getByRole('radio', { name: 'Dark', exact: true }).check()
      expect(await page.evaluate(() => getComputedStyle(document.body).colorScheme)).toContain('dark')
      await page.getByRole('radio', { name: 'Short', exact: true }).check()
      await page.getByLabel('Who answers').selectOption('context-only')
      await page.getByLabel('Collection').selectOption('default')
      await page.getByRole('radio', { name: 'Español', exact: true }).check()
      await page.getByRole('heading', { name: 'Ajustes' }).waitFor()
      await page.reload()
      await page.getByText('¿Qué desea saber?').waitFor()
      expect(await page.evaluate(() => document.documentElement.lang)).toBe('es')
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
      await send(page, question)
      await page.locator('.provenance').waitFor()
      expect(door.asked.at(-1)).toMatchObject({
        max_tokens: 160,
        rung: 'context-only',
        collection: 'default',
      })
    }))

  describe('for everybody', () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      test(`axe finds nothing in any view, ${colorScheme}`, () =>
        through({ colorScheme, reducedMotion: 'reduce' }, async ({ page }) => {
          await holdsForAll(page, 'empty')
          await ask(page, question)
          await page.locator('.provenance summary').click()
          await page.locator('.menu summary').click()
          await holdsForAll(page, 'answer')
          await page
            .getByRole('button', { name: /^Source 1: / })
            .first()
            .click()
          await page.locator('mark').waitFor()
          await holdsForAll(page, 'source')
          await page.keyboard.press('Escape')
          await ask(page, unanswerable)
          await page.locator('.status summary').click()
          await holdsForAll(page, 'abstention and status')
          await page.keyboard.press('Escape')
          await page.getByRole('link', { name: 'Documents' }).click()
          await page.locator('.document').first().waitFor()
          await holdsForAll(page, 'documents')
          await page.getByRole('button', { name: 'Settings' }).click()
          await holdsForAll(page, 'settings')
          await page.keyboard.press('Escape')
          await page.keyboard.press('?')
          await page.getByRole('dialog').waitFor()
          await holdsForAll(page, 'keys')
        }))
    }

    test('by keyboard alone: everything on the way is reached, seen, and works', () =>
      through({}, async ({ page }) => {
        await page.keyboard.type(question)
        await page.keyboard.press('Enter')
        await page.locator('.provenance').waitFor()
        const passed = new Set<string>()
        for (let step = 0; step < 60; step += 1) {
          await page.keyboard.press('Tab')
          const at = await page.evaluate(() => {
            const element = document.activeElement
            if (element === null || element === document.body) return null
            const { outlineStyle } = getComputedStyle(element)
            return {
              name: element.getAttribute('aria-label') ?? element.textContent?.trim() ?? '',
              // The composer shows it by its border.
              seen: outlineStyle !== 'none' || element.id === 'ask',
            }
          })
          if (at === null) continue
          expect(at.seen).toBe(true)
          passed.add(at.name)
        }
        for (const name of [
          'Ask',
          'Documents',
          'Add documents',
          'Keys',
          'Settings',
          'Edit question',
          'Copy answer',
        ]) {
          expect([...passed]).toContain(name)
        }
        expect([...passed].some((name) => name.startsWith('Source 1: '))).toBe(true)
      }))

    test('without motion where that is asked for', () =>
      through({ reducedMotion: 'reduce' }, async ({ page }) => {
        door.script('/api/ask', { kind: 'answer', pieces: ['Half'], hold: true })
        await send(page, question)
        await page.locator('.answer').getByText('Half').waitFor()
        const moving = await page.evaluate(() => document.getAnimations().length)
        expect(moving).toBe(0)
        door.finish()
        door.script('/api/ask', null)
      }))

    test('text twice as large, and a phone, in English and Spanish: nothing runs over the side', async () => {
      // A window of half the width at twice the density is what 200 % zoom makes of 1280 pixels.
      const zoomed = { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }
      for (const options of [zoomed, phone, { ...phone, locale: 'es-ES' }]) {
        await through(options, async ({ page }) => {
          const within = async () => expect(await sideways(page)).toBe(0)
          await within()
          await send(page, question)
          await page.locator('.provenance').waitFor()
          await page.locator('.provenance summary').click()
          await within()
          await page.locator('nav a').nth(1).click()
          await page.locator('.document').first().waitFor()
          await within()
          await page.locator('.tools button').last().click()
          await page.getByRole('dialog').waitFor()
          await within()
        })
      }
    })
  })

  describe('when it fails', () => {
    test.each([
      [429, { error: { message: 'Too many questions.', hint: 'Wait.' } }, 'Mentor is busy'],
      [413, {}, 'The question is too large'],
      [500, {}, 'Something went wrong'],
    ] as const)('%d: it says so and keeps the question', (status, body, words) =>
      through({}, async (open) => {
        const { page } = open
        door.script('/api/ask', { kind: 'refusal', status, body })
        await send(page, question)
        await page.getByRole('alert').getByText(words).waitFor()
        expect(await page.locator('#ask').inputValue()).toBe(question)
        await page.locator('#ask').press('Enter')
        await page.locator('.provenance').waitFor()
        expect(await page.getByRole('alert').count()).toBe(0)
        expect(open.errors.splice(0).length).toBe(1)
      }),
    )

    test('busy with a time to wait: it is sent again by itself', () =>
      through({}, async (open) => {
        const { page } = open
        door.script('/api/ask', { kind: 'refusal', status: 429, headers: { 'retry-after': '2' } })
        await send(page, question)
        await page.getByText('It is sent again by itself in').waitFor()
        await page.locator('.provenance').waitFor()
        expect(await page.locator('#ask').inputValue()).toBe('')
        expect(open.errors.splice(0).length).toBe(1)
      }))

    test('the connection is cut in mid-answer: what came stays, and it can be asked again', () =>
      through({}, async (open) => {
        const { page } = open
        door.script('/api/ask', { kind: 'cut', pieces: ['Leave is 28', ' days'] })
        await send(page, question)
        await page.getByRole('alert').getByText('The answer broke off').waitFor()
        expect(await page.locator('.answer').textContent()).toContain('Leave is 28')
        door.script('/api/ask', null)
        await page.getByRole('button', { name: 'Ask again' }).click()
        await page.locator('.provenance').waitFor()
        expect(await page.locator('.turn').count()).toBe(1)
        open.errors.splice(0)
      }))

    test('no network: it says so, keeps the question, and sends it when the network is back', () =>
      through({}, async (open) => {
        const { page } = open
        await page.context().setOffline(true)
        await send(page, question)
        await page.getByRole('alert').getByText('You are offline').waitFor()
        await page.locator('.status[data-light="red"]').waitFor()
        expect(await page.locator('#ask').inputValue()).toBe(question)
        await page.context().setOffline(false)
        await page.locator('.provenance').waitFor()
        await page.locator('.status[data-light="green"]').waitFor()
        open.errors.splice(0)
      }))

    test('an upload that is refused says why and can be tried again', () =>
      through({}, async (open) => {
        const { page } = open
        const refusal = { error: { message: 'The disk is full.' } }
        door.script('/api/documents', { kind: 'refusal', status: 507, body: refusal })
        await page.getByLabel('Documents to add').setInputFiles({
          name: 'bees.txt',
          mimeType: 'text/plain',
          buffer: Buffer.from('Eleven hives of bees.'),
        })
        await page.locator('.uploads').getByText('The disk is full. The disk is full.').waitFor()
        await page.getByRole('button', { name: 'Try again: bees.txt' }).click()
        await page.locator('.uploads [data-state="done"]').waitFor()
        expect(open.errors.splice(0).length).toBe(1)
      }))
  })
})

async function holdsForAll(page: Page, view: string): Promise<void> {
  await page.evaluate(axe.source)
  const violations = await page.evaluate(async () => {
    const checked = await window.axe.run(document, { resultTypes: ['violations'] })
    return checked.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    )
  })
  expect({ view, violations }).toEqual({ view, violations: [] })
}

/** Waits until a document of that source is stored, or is not. */
async function stored(source: string, expected: boolean): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const body: { documents: { source: string }[] } = await (
      await fetch(`${backend.url}/api/documents`)
    ).json()
    if (body.documents.some((one) => one.source === source) === expected) return
    if (performance.now() > deadline)
      throw new Error(`${source} is ${expected ? 'not there' : 'still there'}`)
    await Bun.sleep(200)
  }
}

function listed(number: number) {
  return {
    id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    title: `Document ${number}`,
    source: `folder/${number}.md`,
    version: 1,
    collection: 'default',
    mediaType: 'text/markdown',
    language: 'en',
    bytes: 1_000 + number,
    passages: 3,
    warnings: [],
    updatedAt: new Date(1_790_000_000_000 - number * 1_000).toISOString(),
  }
}

declare global {
  interface Window {
    axe: typeof axe
  }
}
