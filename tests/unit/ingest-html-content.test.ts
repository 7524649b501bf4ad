import { describe, expect, test } from 'bun:test'
import { readHtml } from '../../ingest/extract/html.ts'
import { type PageCase, pages } from './ingest-html-pages.ts'

interface Found {
  lost: string[]
  left: string[]
}

function judge({ html, stay, go }: PageCase): Found {
  const text = readHtml(html).text.replace(/\s+/g, ' ')
  return {
    lost: stay.filter((words) => !text.includes(words)),
    left: go.filter((words) => text.includes(words)),
  }
}

describe('the main content of a page', () => {
  for (const page of pages)
    test(page.name, () => {
      expect(judge(page)).toEqual({ lost: [], left: [] })
    })
})
