/** A page in a browser of its own profile, and what every walk through it must hold. */
import { expect } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { type OpenPage, openPage } from './browser.ts'

/** Opens the page, runs a walk, and holds that no error was logged and nothing left the origin. */
export async function walk(
  browser: Browser,
  url: string,
  options: Parameters<typeof openPage>[2],
  steps: (open: OpenPage) => Promise<void>,
): Promise<void> {
  const open = await openPage(browser, url, options)
  try {
    await steps(open)
    expect(open.errors).toEqual([])
    expect(open.strays).toEqual([])
  } finally {
    await open.close()
  }
}

/** Sends a question without waiting for its answer. */
export async function send(page: Page, question: string): Promise<void> {
  const box = page.locator('#ask')
  await box.fill(question)
  await box.press('Enter')
}

export const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }

/** Pixels by which the page is wider than the window. */
export const sideways = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
