import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPage } from '../../web/build.ts'

let folder = ''
let out = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mentor-build-'))
  out = join(folder, 'dist')
  await buildPage(out)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('index.html names files that are there, with a hash in each name, and nothing inline', async () => {
  const html = await readFile(join(out, 'index.html'), 'utf8')
  const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
  expect(named.length).toBe(3)
  for (const name of named) {
    expect(name).toMatch(/^\.\/[a-z]+-[a-z0-9]{8}\.(js|css|svg)$/)
    expect((await stat(join(out, name))).size).toBeGreaterThan(0)
  }
  expect(html).not.toMatch(/<style|\sstyle=|<script(?![^>]*\ssrc=)/)
})

test('the first load is at most 250 kB of compressed JavaScript, in React as built for production', async () => {
  const scripts = (await readdir(out)).filter((name) => name.endsWith('.js'))
  const texts = await Promise.all(scripts.map((name) => readFile(join(out, name))))
  const bytes = texts.reduce((sum, text) => sum + Bun.gzipSync(text).byteLength, 0)
  expect(bytes).toBeLessThanOrEqual(250_000)
  expect(bytes).toBeGreaterThan(30_000)
  expect(texts.join('')).not.toContain('react.dev/link/warning-keys')
})

test('the licences of what is in it stand beside it', async () => {
  const licences = await readFile(join(out, 'licences.txt'), 'utf8')
  for (const name of ['react', 'react-dom', 'ai', '@ai-sdk/react', 'zod']) {
    expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'))
  }
  expect(licences).toContain('Permission is hereby granted')
})

test('an unchanged page is not built again; another stamp is', async () => {
  const index = join(out, 'index.html')
  const before = await stat(index)
  await buildPage(out)
  expect((await stat(index)).ino).toBe(before.ino)
  await Bun.write(join(out, '.built-from'), 'of other sources')
  await buildPage(out)
  expect((await stat(index)).ino).not.toBe(before.ino)
})

test('two builds at once leave one whole page and nothing else', async () => {
  await Bun.write(join(out, '.built-from'), 'of other sources')
  const former = join(out, 'index-formerly.js')
  await Bun.write(former, 'of a former build')
  await utimes(former, 0, 0)
  await Promise.all([buildPage(out), buildPage(out)])
  expect(await readdir(folder)).toEqual(['dist'])
  expect((await readdir(out)).map((name) => name.replace(/-[a-z0-9]{8}\./, '-*.')).sort()).toEqual([
    '.built-from',
    'icon-*.svg',
    'index-*.css',
    'index-*.js',
    'index.html',
    'licences.txt',
  ])
})
