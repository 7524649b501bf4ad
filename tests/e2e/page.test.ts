/** The page in a real browser, over a real backend with the handbook that ships with Mentor. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { dirname, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type { Answer } from '../../web/wire.ts'
import { type BackendProcess, newDataDir, startBackend } from './backend-process.ts'
import { ask, browserPath, type OpenPage, openBrowser, openPage } from './browser.ts'
import { type ModelService, startModelService } from './model-service.ts'

const samples = join(dirname(dirname(import.meta.dir)), 'samples')
/** Nothing listens there: the first rung is down, and says so. */
const nowhere = 'http://127.0.0.1:9'
const question = 'How many days of leave do I get in a year?'
const leave = 'Leave is 28 days a year'

// A machine with other work is slow, which is no failure: only what never comes is one.
setDefaultTimeout(120_000)

const found = await browserPath()
const title = 'reason' in found ? `the page (${found.reason})` : 'the page'

let browser: Browser
let backend: BackendProcess
let dataDir: Awaited<ReturnType<typeof newDataDir>>

describe.skipIf('reason' in found)(title, () => {
  beforeAll(async () => {
    dataDir = await newDataDir()
    browser = await openBrowser('path' in found ? found.path : '')
    backend = await startBackend({ dataDir: dataDir.path, folders: [samples], serviceUrl: nowhere })
  }, 300_000)

  afterAll(async () => {
    await browser?.close()
    await backend?.stop()
    await dataDir?.remove()
  })

  describe('asking', () => {
    test('a question is answered with citations that open the source at the quoted words', () =>
      walk({}, async ({ page }) => {
        await page.getByText('What would you like to know?').waitFor()
        const coming = nextAnswer(page)
        await ask(page, question)
        const answer = await coming
        expect(answer.abstained).toBe(false)
        expect(await page.locator('.answer').textContent()).toContain(leave)

        const citation = answer.citations[0]
        if (citation === undefined) throw new Error('an answer without a citation')
        const name = `Source 1: ${citation.document.title}`
        const button = page.getByRole('button', { name, exact: true })
        expect(await button.count()).toBe(1)
        await button.click()
        const mark = page.locator('mark')
        await mark.waitFor()
        const marked = await mark.textContent()
        expect(marked).toBe(citation.quote)
        expect(marked).toBe((await wholeText(citation)).slice(citation.start, citation.end))
        expect(await mark.evaluate(isInView)).toBe(true)

        await page.keyboard.press('Escape')
        await mark.waitFor({ state: 'detached' })
        expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)
      }))

    test(
      'every citation of every format is marked at its own words',
      () =>
        walk({}, async ({ page }) => {
          for (const asked of [
            'How fast does the tropical house lose heat when it freezes outside?',
            'What does a family ticket cost?',
            'Which number is the poison centre?',
            'How long are volunteers asked to give in a month?',
          ]) {
            const coming = nextAnswer(page)
            await ask(page, asked)
            const answer = await coming
            expect(answer.citations.length).toBeGreaterThan(0)
            for (const citation of answer.citations) {
              const name = `Source ${citation.number}: ${citation.document.title}`
              await page.locator('.turn').last().getByRole('button', { name, exact: true }).first().click()
              await page.locator('mark').waitFor()
              expect(await page.locator('mark').textContent()).toBe(citation.quote)
              if (citation.page !== null) {
                expect(await page.locator('.source-panel header').textContent()).toContain(
                  `page ${citation.page}`,
                )
              }
              await page.keyboard.press('Escape')
            }
          }
        }),
      60_000,
    )

    test('the rung is shown, with the reason of each before it', () =>
      walk({}, async ({ page }) => {
        await ask(page, question)
        const line = page.locator('.provenance')
        expect(await line.locator('summary').textContent()).toContain('context-only')
        await line.locator('summary').click()
        const steps = await line.locator('li').allTextContents()
        expect(steps.map((step) => step.split(/not available|answered/)[0])).toEqual([
          'llm-service',
          'local-model',
          'context-only',
        ])
        expect(steps[0]).toMatch(/: \S/)
        expect(steps[1]).toContain('no model is installed')
      }))

    test('what the documents do not say is not answered, and looks different', () =>
      walk({}, async ({ page }) => {
        const coming = nextAnswer(page)
        await ask(page, 'Who won the football world cup in 1998?')
        const answer = await coming
        expect(answer.abstained).toBe(true)
        const card = page.locator('.abstention')
        expect(await card.getByRole('heading', { name: 'Not enough in your documents' }).count()).toBe(1)
        expect(await card.getByRole('button', { name: /^Source \d+: / }).count()).toBe(
          answer.citations.length,
        )
        const first = answer.citations[0]?.quote ?? 'no citation'
        expect((await card.textContent())?.split(first).length).toBe(2)
      }))

    test('keys: Enter sends, Shift+Enter starts a line, a suggestion asks itself', () =>
      walk({}, async ({ page }) => {
        const suggestion = page.locator('.suggestions button').first()
        const text = (await suggestion.textContent()) ?? ''
        await suggestion.click()
        await page.getByRole('heading', { name: text }).waitFor()
        await page.locator('.provenance').waitFor()
        const box = page.getByRole('textbox', { name: 'Ask' })
        await box.fill('one')
        await box.press('Shift+Enter')
        await box.pressSequentially('two')
        expect(await box.inputValue()).toBe('one\ntwo')
        await box.press('Enter')
        await page.getByRole('heading', { name: 'one two' }).waitFor()
        expect(await box.inputValue()).toBe('')
      }))
  })

  describe('documents', () => {
    test(
      'a dropped file is read and answers; one that cannot be read says why',
      () =>
        walk({}, async ({ page }) => {
          const before = await page.locator('.status summary').textContent()
          await drop(
            page,
            'canteen.txt',
            'The canteen serves lentil soup with smoked paprika every Thursday at noon.',
          )
          await page.locator('.uploads [data-state="done"]').waitFor()
          expect(await page.locator('.uploads').textContent()).toContain('Added, 1 passage')
          await page.waitForFunction(
            (was) => document.querySelector('.status summary')?.textContent !== was,
            before,
          )
          await ask(page, 'When does the canteen serve lentil soup?')
          expect(await page.locator('.answer').last().textContent()).toContain('every Thursday at noon')

          await page
            .getByLabel('Documents to add')
            .first()
            .setInputFiles([
              { name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.from('   ') },
              { name: 'program.exe', mimeType: 'application/octet-stream', buffer: Buffer.from('MZ\0\0') },
            ])
          await page.locator('.uploads [data-state="failed"]').nth(1).waitFor()
          const notes = await page.locator('.uploads [data-state="failed"] .note').allTextContents()
          for (const note of notes) expect(note.length).toBeGreaterThan(10)
        }),
      90_000,
    )

    test(
      'a document that changed or was deleted still shows the words that were quoted',
      () =>
        walk({}, async (open) => {
          const { page } = open
          const upload = async (text: string) => {
            const form = new FormData()
            form.append('files', new File([text], 'bees.txt', { type: 'text/plain' }))
            const response = await fetch(`${backend.url}/api/documents?wait=true`, {
              method: 'POST',
              body: form,
            })
            expect(response.status).toBe(200)
          }
          await upload('The apiary keeps eleven hives of carniolan honey bees.')
          const coming = nextAnswer(page)
          await ask(page, 'How many hives does the apiary keep?')
          const citation = (await coming).citations[0]
          if (citation === undefined) throw new Error('an answer without a citation')
          await upload('The apiary keeps twelve hives of carniolan honey bees.')
          const button = page.getByRole('button', { name: /^Source 1: / })
          await button.click()
          const panel = page.locator('.source-panel')
          await panel.getByText('has changed').waitFor()
          expect(await panel.locator('blockquote').textContent()).toBe(citation.quote)
          await page.keyboard.press('Escape')

          await fetch(`${backend.url}/api/documents/${citation.document.id}`, { method: 'DELETE' })
          await button.click()
          await panel.getByText('has been deleted').waitFor()
          expect(await panel.locator('blockquote').textContent()).toBe(citation.quote)
          // The browser itself logs each refused request; these two were meant.
          expect(open.errors.splice(0).map((error) => /\d{3}/.exec(error)?.[0])).toEqual(['410', '404'])
        }),
      90_000,
    )

    test(
      'markup, scripts and turned-round text in a document are only text',
      () =>
        walk({}, async ({ page }) => {
          const hostile =
            'The zebrafish <img src=x onerror="window.broken=1"><script>window.broken=1</script> [link](javascript:window.broken=1) \u202Esdrawkcab swims at dawn.'
          await drop(page, '<img src=x onerror=window.broken=1>.txt', hostile)
          await page.locator('.uploads [data-state="done"]').waitFor()
          await ask(page, 'When does the zebrafish swim?')
          expect(await page.locator('.answer').last().textContent()).toContain('<script>')
          await page.getByRole('button', { name: /^Source 1: / }).click()
          await page.locator('mark').waitFor()
          expect(await page.locator('mark').textContent()).toContain('onerror')
          expect(await page.evaluate(() => 'broken' in window)).toBe(false)
          expect(await page.locator('#page :is(img, script), .turn a, .source-panel a').count()).toBe(0)
        }),
      90_000,
    )
  })

  describe('its form', () => {
    test('on a phone nothing runs over the side, and the source covers the page', () =>
      walk({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }, async ({ page }) => {
        expect(await noSideways(page)).toBe(0)
        const box = page.getByRole('textbox', { name: 'Ask' })
        await box.fill(`${'w'.repeat(300)} ${question}`)
        expect(await noSideways(page)).toBe(0)
        await ask(page, question)
        expect(await noSideways(page)).toBe(0)
        await page.getByRole('button', { name: /^Source 1: / }).tap()
        await page.locator('mark').waitFor()
        expect(await noSideways(page)).toBe(0)
        const size = await page.locator('.source-panel').boundingBox()
        expect(size?.width).toBe(360)
        expect(await page.locator('.main').evaluate((main) => main.hasAttribute('inert'))).toBe(true)
        await page.getByRole('button', { name: 'Close source' }).tap()
        await box.waitFor()
      }))

    test('it is served with a policy that lets it load nothing from elsewhere', async () => {
      const response = await fetch(backend.url, { headers: { accept: 'text/html' } })
      expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
      expect(await response.text()).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|https?:/)
    })
  })

  /** Last: these stop the backend that the others use. */
  describe('when things fail', () => {
    test('the backend goes and comes back: the question is kept and sent again, the status is true', async () => {
      const open = await openPage(browser, backend.url)
      const { page } = open
      const box = page.getByRole('textbox', { name: 'Ask' })
      const port = Number(new URL(backend.url).port)
      await backend.stop()
      await box.fill(question)
      await box.press('Enter')
      await page.getByRole('alert').getByText('Mentor does not answer').waitFor()
      expect(await box.inputValue()).toBe(question)
      await page.locator('.status[data-light="red"]').waitFor()

      backend = await startBackend({ dataDir: dataDir.path, port, serviceUrl: nowhere })
      await page.locator('.status[data-light="green"]').waitFor()
      await page.locator('.provenance').waitFor()
      expect(await box.inputValue()).toBe('')
      expect(await page.locator('.answer').textContent()).toContain(leave)
      expect(await page.getByRole('alert').count()).toBe(0)
      await open.close()
    })

    test('a model answers sentence by sentence, and Stop stops it', async () => {
      const service: ModelService = startModelService(leave)
      const port = Number(new URL(backend.url).port)
      await backend.stop()
      backend = await startBackend({ dataDir: dataDir.path, port, serviceUrl: service.url })
      await walk({}, async ({ page }) => {
        const box = page.getByRole('textbox', { name: 'Ask' })
        await box.fill(question)
        await box.press('Enter')
        await page.locator('.answer').getByText(leave).waitFor()
        expect(service.open()).toBe(1)
        await page.getByRole('button', { name: 'Stop' }).click()
        await page.getByText('You stopped this answer.').waitFor()
        const deadline = performance.now() + 2_000
        while (service.open() > 0 && performance.now() < deadline) await Bun.sleep(20)
        expect(service.open()).toBe(0)

        await box.fill(question)
        await box.press('Enter')
        await page.locator('.answer').nth(1).getByText(leave).waitFor()
        service.finish()
        await page.locator('.provenance').waitFor()
        expect(await page.locator('.provenance summary').textContent()).toContain('quoting-test-model')
      })
      await service.stop()
    })
  })
})

/** Opens the page, runs a walk, and holds what every walk must: no error, and no request to elsewhere. */
async function walk(options: Parameters<typeof openPage>[2], steps: (open: OpenPage) => Promise<void>) {
  const open = await openPage(browser, backend.url, options)
  try {
    await steps(open)
    expect(open.errors).toEqual([])
    expect(open.strays).toEqual([])
  } finally {
    await open.close()
  }
}

/** The answer of the next question, as the stream's last part carries it. */
async function nextAnswer(page: Page): Promise<Answer> {
  const response = await page.waitForResponse((one) => one.url().endsWith('/api/ask'))
  const parts = (await response.text()).split('\n').filter((line) => line.startsWith('data: {'))
  const last = parts.map((line) => JSON.parse(line.slice(6))).find((part) => part.type === 'data-answer')
  return last.data
}

async function wholeText(citation: Answer['citations'][number]): Promise<string> {
  const { id, version } = citation.document
  const response = await fetch(`${backend.url}/api/documents/${id}/text?version=${version}`)
  const body: { text: string } = await response.json()
  return body.text
}

const drop = (page: Page, name: string, text: string) =>
  page.evaluate(
    ([name, text]) => {
      const data = new DataTransfer()
      data.items.add(new File([text ?? ''], name ?? '', { type: 'text/plain' }))
      const target = document.querySelector('.drop-zone')
      for (const type of ['dragenter', 'dragover', 'drop']) {
        target?.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }))
      }
    },
    [name, text],
  )

const noSideways = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

function isInView(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect()
  return top >= 0 && bottom <= innerHeight
}
