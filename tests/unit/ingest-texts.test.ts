/** Mails, subtitles and source code. */
import { describe, expect, test } from 'bun:test'
import { outline, read } from './ingest-documents.ts'

describe('mail', () => {
  test('has its heads, its body and the names of what is attached', async () => {
    const mail = [
      'From: Ada <ada@x.org>',
      'To: Bob <bob@y.org>',
      'Subject: =?utf-8?q?Pumpe_kaputt?=',
      'Date: Mon, 3 Mar 2025 10:00:00 +0100',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/html; charset=utf-8',
      '',
      '<p>Hallo Bob,</p><p>sie tropft.</p><script>CANARY()</script><img src="http://127.0.0.1:9/?x">',
      '--b',
      'Content-Type: application/pdf; name="plan.pdf"',
      'Content-Disposition: attachment; filename="plan.pdf"',
      'Content-Transfer-Encoding: base64',
      '',
      'JVBERi0=',
      '--b--',
      '',
    ].join('\r\n')
    const page = await read('m.eml', mail)
    expect(page.title).toBe('Pumpe kaputt')
    expect(outline(page)).toEqual([
      'heading: Pumpe kaputt',
      'paragraph Pumpe kaputt: From: Ada <ada@x.org>\nTo: Bob <bob@y.org>\nDate: 2025-03-03T09:00:00.000Z',
      'paragraph Pumpe kaputt: Hallo Bob,',
      'paragraph Pumpe kaputt: sie tropft.',
      'paragraph Pumpe kaputt: Attached: plan.pdf (5 bytes)',
    ])
    await expect(read('m.eml', 'Just words.')).rejects.toThrow('damaged: it has no From')
  })

  test('folders are cut into their mails', async () => {
    const page = await read(
      'm.mbox',
      'From a@b Mon Mar  3 10:00:00 2025\nFrom: a@b\nSubject: One\n\nFirst body.\n>From here on.\n\nFrom c@d Tue Mar  4 10:00:00 2025\nFrom: c@d\nSubject: Two\n\nSecond body.\n',
    )
    expect(outline(page)).toEqual([
      'heading: One',
      'paragraph One: From: a@b',
      'paragraph One: First body.\nFrom here on.',
      'heading: Two',
      'paragraph Two: From: c@d',
      'paragraph Two: Second body.',
    ])
    await expect(read('m.mbox', 'Just words.')).rejects.toThrow('damaged: no mail begins')
  })

  test('parts nested without end are refused', async () => {
    const nested = '--b\nContent-Type: multipart/mixed; boundary=b\n\n'.repeat(5000)
    await expect(
      read('m.eml', `From: a\nContent-Type: multipart/mixed; boundary=b\n\n${nested}`),
    ).rejects.toThrow('damaged:')
  })
})

describe('subtitles', () => {
  test('become paragraphs with the time where they begin', async () => {
    const page = await read(
      't.srt',
      '1\r\n00:00:01,000 --> 00:00:03,000\r\n<i>Good evening</i>\r\n\r\n2\r\n00:00:03,100 --> 00:00:05,000\r\nand welcome.\r\n\r\n3\r\n01:01:00,000 --> 01:01:02,000\r\nLater.\r\n',
    )
    expect(page.text).toBe('[00:00:01] Good evening and welcome.\n\n[01:01:00] Later.')
  })

  test('of WebVTT name their speakers', async () => {
    const page = await read(
      't.vtt',
      'WEBVTT - The talk\n\nNOTE nothing\n\n00:01.000 --> 00:03.000 align:start\n<v Ann>Hi &amp; hello\n\n00:03.000 --> 00:04.000\n<v Bob>Yes\n',
    )
    expect(page.title).toBe('The talk')
    expect(page.text).toBe('[00:00:01] Ann: Hi & hello\n\n[00:00:03] Bob: Yes')
    await expect(read('t.vtt', 'WEBVTT\n\nnothing\n')).rejects.toThrow('damaged: no cue')
  })
})

describe('source code', () => {
  const symbols = async (name: string, source: string) => {
    const page = await read(name, source)
    expect(page.text).toBe(source)
    expect(page.title).toBe(name)
    return page.blocks.map(
      ({ heading, start }) =>
        `${heading.join(' > ')} @ ${source.slice(start, source.indexOf('\n', start)).trim()}`,
    )
  }

  test('TypeScript: classes, their methods, functions; comments go with them', async () => {
    const source =
      'import x from "y"\n\n/** A session. */\nexport class Session {\n  #id = 1\n\n  /** Ends it. */\n  close(): void {\n    if (a) {\n      b()\n    }\n  }\n\n  async open(x: string) {\n    return 1\n  }\n}\n\nexport const add = (a: number) => a\n\nfunction helper() {\n  function inner() {}\n  return inner\n}\n'
    expect(await symbols('src/session.ts', source)).toEqual([
      ' @ import x from "y"',
      'Session @ /** A session. */',
      'Session > close @ /** Ends it. */',
      'Session > open @ async open(x: string) {',
      'add @ export const add = (a: number) => a',
      'helper @ function helper() {',
    ])
  })

  test.each([
    [
      'a.py',
      'import os\n\n# about\n@deco\ndef one(x):\n    def inner(): pass\n    return x\n\nclass Two:\n    def three(self):\n        pass\n',
      [' @ import os', 'one @ # about', 'Two @ class Two:', 'Two > three @ def three(self):'],
    ],
    [
      'a.go',
      'package x\n\n// Sum adds.\nfunc Sum(a int) int {\n\treturn a\n}\n\nfunc (s *S) Do() {}\n',
      [' @ package x', 'Sum @ // Sum adds.', 'Do @ func (s *S) Do() {}'],
    ],
    [
      'A.java',
      'package x;\n\npublic class A {\n    private int n;\n\n    public int sum(int a) {\n        return a;\n    }\n}\n',
      [' @ package x;', 'A @ public class A {', 'A > sum @ public int sum(int a) {'],
    ],
    [
      'a.c',
      '#include <x.h>\n\nstruct point {\n  int x;\n};\n\nstatic int add(int a,\n               int b)\n{\n  return a;\n}\n',
      [' @ #include <x.h>', 'point @ struct point {', 'add @ static int add(int a,'],
    ],
    [
      'a.rs',
      'use x;\n\n#[derive(Debug)]\npub struct P;\n\nimpl P {\n    pub fn go(&self) {}\n}\n',
      [' @ use x;', 'P @ #[derive(Debug)]', 'impl P @ impl P {', 'impl P > go @ pub fn go(&self) {}'],
    ],
    [
      'a.sql',
      '-- people\ncreate table people (\n  id int\n);\n\nCREATE OR REPLACE FUNCTION f() returns int as $$ $$;\n',
      ['people @ -- people', 'f @ CREATE OR REPLACE FUNCTION f() returns int as $$ $$;'],
    ],
    ['a.sh', 'set -e\n\nrun() {\n  echo\n}\n', [' @ set -e', 'run @ run() {']],
    ['a.toml', 'a = 1\n\n[tool.x]\nb = 2\n', [' @ a = 1', 'tool.x @ [tool.x]']],
  ])('%s', async (name, source, expected) => {
    expect(await symbols(name, source)).toEqual(expected)
  })
})
