/** The `mentor` script: how it finds Bun, what it says when it cannot, and that it never runs a half-made install. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const project = resolve(import.meta.dir, '..', '..')
let folder: string
let clone: string
let tools: string

/** A copy of the script with a command line that tells what it was given, and a PATH that holds just the basics. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mentor-launcher-'))
  clone = join(folder, 'clone')
  tools = join(folder, 'tools')
  await mkdir(join(clone, 'scripts'), { recursive: true })
  await mkdir(join(clone, 'db', 'patches'), { recursive: true })
  await mkdir(tools)
  for (const name of ['mentor', 'bunfig.toml', 'bun.lock', 'package.json'])
    await cp(join(project, name), join(clone, name))
  await writeFile(
    join(clone, 'scripts', 'mentor.ts'),
    'console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), bun: process.execPath, dotenv: process.env.FROM_DOTENV ?? null }))',
  )
  // Counts the installs, and fails when it is told to.
  await writeFile(
    join(clone, 'scripts', 'install.ts'),
    `import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
     appendFileSync('${join(folder, 'installs')}', 'x')
     if (existsSync('${join(folder, 'fail')}')) process.exit(1)
     mkdirSync('${join(clone, 'node_modules')}', { recursive: true })
     writeFileSync('${join(clone, 'node_modules', '.mentor-installed')}', 'production ' + process.argv[2])`,
  )
  for (const name of [
    'sh',
    'cat',
    'cksum',
    'dirname',
    'readlink',
    'tail',
    'mkdir',
    'rm',
    'mv',
    'uname',
    'sleep',
  ]) {
    const path = Bun.which(name)
    if (path !== null) await symlink(path, join(tools, name))
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Ran {
  code: number
  out: string
  err: string
}

async function launch(
  args: string[],
  path: string[],
  options: { cwd?: string; script?: string } = {},
): Promise<Ran> {
  const child = Bun.spawn([options.script ?? join(clone, 'mentor'), ...args], {
    cwd: options.cwd ?? folder,
    env: { PATH: path.join(':'), HOME: join(folder, 'home') },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out, err }
}

async function executable(path: string, body: string): Promise<void> {
  await mkdir(resolve(path, '..'), { recursive: true })
  await rm(path, { force: true })
  await writeFile(path, `#!/bin/sh\n${body}\n`)
  await chmod(path, 0o755)
}

/** A folder for PATH whose `bun` is the one that runs this test. */
async function realBun(name: string): Promise<string> {
  const bin = join(folder, name)
  await executable(join(bin, 'bun'), `exec '${process.execPath}' "$@"`)
  return bin
}

describe('finding Bun', () => {
  test('on PATH; arguments arrive as they are, the caller stays where it is', async () => {
    const ran = await launch(['ask', 'two words', '--json', ''], [await realBun('on-path'), tools])
    expect(ran.err).toBe('')
    expect(JSON.parse(ran.out)).toMatchObject({ args: ['ask', 'two words', '--json', ''], cwd: folder })
  })

  test('through symlinks, absolute and relative', async () => {
    await symlink(join(clone, 'mentor'), join(folder, 'absolute'))
    await mkdir(join(folder, 'links'))
    await symlink('../absolute', join(folder, 'links', 'relative'))
    const ran = await launch(['x'], [await realBun('on-path'), tools], {
      script: join(folder, 'links', 'relative'),
    })
    expect(JSON.parse(ran.out)).toMatchObject({ args: ['x'] })
  })

  test('an older Bun on PATH is passed over for one in the home folder', async () => {
    await executable(join(folder, 'old', 'bun'), 'echo 1.3.14')
    await executable(join(folder, 'home', '.bun', 'bin', 'bun'), `exec '${process.execPath}' "$@"`)
    const ran = await launch(['x'], [join(folder, 'old'), tools])
    expect(ran.code).toBe(0)
    expect(JSON.parse(ran.out)).toMatchObject({ args: ['x'] })
    await rm(join(folder, 'home'), { recursive: true })
  })

  test.each(['1.3.14', '0.9.9', 'not a version', '', '1.x.0'])(
    'a Bun that says "%s" does not count',
    async (version) => {
      await executable(join(folder, 'odd', 'bun'), `echo '${version}'`)
      const ran = await launch(['x'], [join(folder, 'odd'), tools])
      expect(ran.code).toBe(1)
      expect(ran.err).toContain('neither Bun nor npm is installed')
    },
  )

  test.each(['1.4.0', '1.10.2', '2.0.0', '1.4.6-canary.3'])('a Bun that says "%s" does', async (version) => {
    await executable(
      join(folder, 'new', 'bun'),
      `[ "$1" = --version ] && echo '${version}' && exit\nexec '${process.execPath}' "$@"`,
    )
    expect((await launch(['x'], [join(folder, 'new'), tools])).code).toBe(0)
  })

  test("the caller's own bunfig.toml and .env are not read, the project's .env is", async () => {
    const cwd = join(folder, 'elsewhere')
    await mkdir(cwd)
    await writeFile(join(cwd, 'bunfig.toml'), 'preload = ["./missing.ts"]')
    await writeFile(join(cwd, '.env'), 'FROM_DOTENV=caller')
    await writeFile(join(clone, '.env'), 'FROM_DOTENV=project')
    const ran = await launch(['x'], [await realBun('on-path'), tools], { cwd })
    expect(JSON.parse(ran.out)).toMatchObject({ dotenv: 'project', cwd })
    await rm(join(clone, '.env'))
  })
})

describe('installing Bun', () => {
  test('neither Bun nor npm: says what to install', async () => {
    const ran = await launch(['x'], [tools])
    expect(ran).toMatchObject({ code: 1, out: '' })
    expect(ran.err).toContain('apt-get install nodejs npm')
  })

  test('an unreachable registry: says where it looked, and leaves nothing behind', async () => {
    const bin = join(folder, 'offline')
    await executable(join(bin, 'node'), 'exit 1')
    await executable(
      join(bin, 'npm'),
      '[ "$1" = config ] && echo http://registry.invalid/ && exit\necho "npm error ENOTFOUND"\nexit 1',
    )
    const ran = await launch(['x'], [bin, tools])
    expect(ran.code).toBe(1)
    expect(ran.err).toContain('ENOTFOUND')
    expect(ran.err).toContain('could not install Bun from http://registry.invalid/')
    expect([...new Bun.Glob('**').scanSync({ cwd: join(clone, '.bun'), onlyFiles: false })]).toEqual([])
  })

  /** An npm whose package works only after its own script ran, as with npm 11, which holds install scripts back. */
  async function fakeNpm(name: string): Promise<string> {
    const bin = join(folder, name)
    await executable(
      join(bin, 'npm'),
      `while [ "$1" != --prefix ]; do shift; done
       mkdir -p "$2/node_modules/bun" "$2/node_modules/.bin"
       printf '#!/bin/sh\\nexit 1\\n' >"$2/node_modules/.bin/bun"
       chmod +x "$2/node_modules/.bin/bun"`,
    )
    await executable(
      join(bin, 'node'),
      `printf '#!/bin/sh\\nexec "${process.execPath}" "$@"\\n' >../.bin/bun; chmod() { :; }; echo "$1" >>'${join(folder, 'node-ran')}'`,
    )
    const chmodPath = Bun.which('chmod')
    if (chmodPath !== null) await symlink(chmodPath, join(bin, 'chmod'))
    return bin
  }

  test('from npm, into the project, and found there the next time without npm', async () => {
    const bin = await fakeNpm('npm')
    const first = await launch(['x'], [bin, tools])
    expect(first.err).toContain('installing it from npm')
    expect(JSON.parse(first.out)).toMatchObject({ args: ['x'] })
    expect(await readFile(join(folder, 'node-ran'), 'utf8')).toBe('install.js\n')
    const second = await launch(['y'], [tools])
    expect(second.err).toBe('')
    expect(JSON.parse(second.out)).toMatchObject({ args: ['y'] })
    await rm(join(clone, '.bun'), { recursive: true })
  })

  test('two at once both come through, and what a killed one left is cleared away', async () => {
    const bin = await fakeNpm('npm-twice')
    await mkdir(join(clone, '.bun', 'new.999999999'), { recursive: true })
    const both = await Promise.all([launch(['a'], [bin, tools]), launch(['b'], [bin, tools])])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect([...new Bun.Glob('*').scanSync({ cwd: join(clone, '.bun'), onlyFiles: false })]).toEqual([
      'node_modules',
    ])
    expect(
      [
        ...new Bun.Glob('*').scanSync({
          cwd: join(clone, '.bun', 'node_modules'),
          onlyFiles: false,
          dot: true,
        }),
      ].sort(),
    ).toEqual(['.bin', 'bun'])
    await rm(join(clone, '.bun'), { recursive: true })
  })
})

describe('installing the dependencies', () => {
  const installs = async () => (await Bun.file(join(folder, 'installs')).text()).length

  test('once, and again when the lock file changes or the last install did not end', async () => {
    const path = [await realBun('on-path'), tools]
    await launch(['x'], path)
    const before = await installs()
    await launch(['x'], path)
    expect(await installs()).toBe(before)

    await writeFile(join(clone, 'bun.lock'), `${await readFile(join(clone, 'bun.lock'), 'utf8')}\n`)
    await launch(['x'], path)
    expect(await installs()).toBe(before + 1)

    await rm(join(clone, 'node_modules', '.mentor-installed'))
    await launch(['x'], path)
    expect(await installs()).toBe(before + 2)
  })

  test('a failed one is not followed by the command', async () => {
    await rm(join(clone, 'node_modules'), { recursive: true })
    await writeFile(join(folder, 'fail'), '')
    const ran = await launch(['x'], [await realBun('on-path'), tools])
    await rm(join(folder, 'fail'))
    expect(ran).toMatchObject({ code: 1, out: '' })
  })
})
