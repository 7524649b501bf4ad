import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFile } from '../../ingest/read-file.ts'
import { type FoundFile, findFiles, survey } from '../../ingest/walk.ts'

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mentor-walk-')))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function folder(name: string, files: Record<string, string>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(root, name, path, '..'), { recursive: true })
    await writeFile(join(root, name, path), content)
  }
  return join(root, name)
}

const found = (files: FoundFile[]) =>
  files.map(({ source, refusal }) =>
    refusal ? `${source} ${refusal.status} ${refusal.reason.split(':')[0]}` : source,
  )

describe('folders', () => {
  test('are walked by name, hidden and program folders passed over', async () => {
    const path = await folder('plain', {
      'b.md': 'b',
      'a/two.txt': '2',
      'a/one.txt': '1',
      '.hidden.md': 'h',
      '.git/config.md': 'g',
      'node_modules/x/readme.md': 'n',
      'picture.png': 'p',
    })
    const files = await findFiles([{ path }])
    expect(found(files)).toEqual(['b.md', 'picture.png skipped unsupported', 'a/one.txt', 'a/two.txt'])
    expect(files[0]?.file).toBe(`${path}/b.md`)
    expect(files[0]?.place).toBe(join(path, 'b.md'))
  })

  test('name an unsupported or missing file as failed when it was asked for', async () => {
    const path = await folder('named', { 'x.zip': 'z', '.env.md': 'taken, because it was named' })
    const files = await findFiles([
      { path: join(path, 'x.zip') },
      { path: join(path, '.env.md') },
      { path: join(path, 'gone.md') },
    ])
    expect(found(files)).toEqual(['x.zip failed unsupported', '.env.md', 'gone.md failed missing'])
  })

  test('are each ingested once, however often they are named', async () => {
    const path = await folder('twice', { 'a.md': 'a' })
    await symlink(path, join(root, 'twice-link'))
    expect(
      await findFiles([
        { path },
        { path: `${path}/` },
        { path: join(path, 'a.md') },
        { path: join(root, 'twice-link') },
      ]),
    ).toHaveLength(1)
  })
})

describe('what is not wanted', () => {
  test('is left out by .mentorignore, in gitignore syntax, an inner one over an outer one', async () => {
    const path = await folder('ignoring', {
      '.mentorignore': '\uFEFF# drafts\ndrafts/\n*.log.txt\n/top.md\n!kept.log.txt\n',
      'top.md': 't',
      'sub/top.md': 't',
      'a.log.txt': 'l',
      'kept.log.txt': 'k',
      'drafts/a.md': 'd',
      'sub/drafts/b.md': 'd',
      'sub/.mentorignore': 'inner.md\n!*.log.txt\n',
      'sub/b.log.txt': 'l',
      'sub/inner.md': 'i',
      'inner.md': 'i',
      'SUB2/Inner.md': 'letters of another case are others',
    })
    await symlink(join(path, 'sub', 'inner.md'), join(path, 'drafts.md'))
    expect(found(await findFiles([{ path }])).sort()).toEqual([
      'SUB2/Inner.md',
      'drafts.md',
      'inner.md',
      'kept.log.txt',
      'sub/b.log.txt',
      'sub/top.md',
    ])
    expect([...(await survey([{ path }])).ignored].map((one) => one.slice(path.length + 1)).sort()).toEqual([
      'a.log.txt',
      'drafts',
      'sub/drafts',
      'sub/inner.md',
      'top.md',
    ])
    // What is named itself was asked for.
    expect(found(await findFiles([{ path: join(path, 'drafts', 'a.md') }]))).toEqual(['a.md'])
  })

  test('a .mentorignore that cannot be read keeps its whole folder out', async () => {
    const path = await folder('ignoring-badly', { 'a.md': 'a', 'sub/b.md': 'b' })
    execFileSync('mkfifo', [join(path, 'sub', '.mentorignore')])
    expect(found(await findFiles([{ path }]))).toEqual(['a.md', 'sub failed unreadable'])
  })

  test('globs take and leave out files of folders, at any depth', async () => {
    const path = await folder('globs', {
      'a.md': 'a',
      'b.txt': 'b',
      'x/c.md': 'c',
      'x/d.html': 'd',
      'y/z/e.md': 'e',
    })
    const taken = async (include: string[], exclude: string[]) =>
      found(await findFiles([{ path }], { include, exclude }))
    expect(await taken(['*.md'], [])).toEqual(['a.md', 'x/c.md', 'y/z/e.md'])
    expect(await taken(['*.md', '*.html'], ['x/c*'])).toEqual(['a.md', 'x/d.html', 'y/z/e.md'])
    expect(await taken(['x/'], [])).toEqual(['x/c.md', 'x/d.html'])
    expect(await taken([], ['y/', '/a.md'])).toEqual(['b.txt', 'x/c.md', 'x/d.html'])
    expect(await taken(['y/**/*.md'], [])).toEqual(['y/z/e.md'])
  })
})

describe('links', () => {
  test('stay in the folder, and what they lead to has its own name', async () => {
    const outside = await folder('outside', { 'secret.md': 'canary' })
    const path = await folder('linked', { 'a/real.md': 'r', '.store/kept.md': 'k' })
    await symlink(join(outside, 'secret.md'), join(path, 'out.md'))
    await symlink(outside, join(path, 'out'))
    await symlink(join(path, 'a', 'real.md'), join(path, 'again.md'))
    await symlink(join(path, '.store'), join(path, 'store'))
    await symlink(path, join(path, 'a', 'loop'))
    await symlink('self.md', join(path, 'self.md'))
    await symlink('nowhere.md', join(path, 'broken.md'))
    expect(found(await findFiles([{ path }])).sort()).toEqual([
      'a/loop failed link',
      'a/real.md',
      'broken.md failed missing',
      'out failed link',
      'out.md failed link',
      'self.md failed link',
      'store/kept.md',
    ])
  })
})

describe('what is no file', () => {
  test('is refused at once: pipe, socket, device, /proc', async () => {
    const path = await folder('special', { 'a.md': 'a' })
    execFileSync('mkfifo', [join(path, 'pipe.md')])
    const server = createServer().listen(join(path, 'socket.md'))
    const started = performance.now()
    const files = await findFiles([{ path }, { path: '/dev/null' }, { path: '/proc/self/environ' }])
    expect(performance.now() - started).toBeLessThan(1000)
    expect(found(files)).toEqual([
      'a.md',
      'pipe.md failed special',
      'socket.md failed special',
      'null failed special',
      'environ failed special',
    ])
    await expect(readFile(Buffer.from(join(path, 'pipe.md')))).rejects.toThrow('special')
    server.close()
  })
})

describe('names', () => {
  test('of any kind are taken: line break, right-to-left, emoji, 255 bytes, equal but for case', async () => {
    const names = [
      'line\nbreak.md',
      'right\u202Eto-left.md',
      '📘.md',
      `${'n'.repeat(252)}.md`,
      'Case.md',
      'case.md',
      'e\u0301.md',
      'é.md',
    ]
    const path = await folder('names', Object.fromEntries(names.map((name) => [name, name])))
    const files = await findFiles([{ path }])
    expect(files.map((file) => file.source).sort()).toEqual([...names].sort())
    for (const file of files) expect(new TextDecoder().decode(await readFile(file.path))).toBe(file.source)
  })

  test('need not be UTF-8', async () => {
    const path = await folder('bytes', { 'a.md': 'a' })
    const name = Buffer.concat([Buffer.from(`${path}/gr`), Buffer.from([0xfc, 0xdf]), Buffer.from('e.md')])
    await writeFile(name, 'latin-1 name')
    const file = (await findFiles([{ path }])).find((one) => one.source !== 'a.md')
    expect(file?.source).toBe('gr\\xfc\\xdfe.md')
    expect(new TextDecoder().decode(await readFile(file?.path ?? Buffer.alloc(0)))).toBe('latin-1 name')
  })
})

/** Waits until this process has the file open, so that the change falls into the reading. */
async function opened(path: string): Promise<void> {
  if (process.platform !== 'linux') return Bun.sleep(5)
  const isOpen = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false // closed since it was listed
    }
  }
  while (!readdirSync('/proc/self/fd').some(isOpen)) await new Promise(setImmediate)
  await Bun.sleep(3) // its size is looked at first
}

describe('a file that changes while it is read is refused', () => {
  const large = Buffer.alloc(160 * 1024 * 1024, 'words and more words\n')

  test.each([
    ['grows', (path: string) => writeFile(path, 'more', { flag: 'a' })],
    ['is cut short', (path: string) => writeFile(path, 'short')],
    ['is deleted', (path: string) => rename(path, `${path}.gone`)],
    [
      'is replaced',
      (path: string) => writeFile(`${path}.new`, 'other').then(() => rename(`${path}.new`, path)),
    ],
  ])('%s', async (_, change) => {
    const path = join(root, 'changing.md')
    await writeFile(path, large)
    const reading = readFile(Buffer.from(path)).then(
      () => 'read',
      (error: Error) => error.message,
    )
    await opened(path)
    await change(path)
    expect(await reading).toStartWith('changed: ')
  })
})
