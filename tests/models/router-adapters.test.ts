/** The adapters folder as people and accidents leave it. */
import { expect, test } from 'bun:test'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openAdapters } from '../../llm-service/router/adapters.ts'
import { temporaryFolder } from '../../scripts/bench/mentor-process.ts'

test('links to themselves, to nothing and to folders are no adapters, and stop nothing', async () => {
  const folder = await temporaryFolder('adapters')
  const adapters = join(folder.path, 'adapters')
  await mkdir(join(adapters, 'folder.gguf'), { recursive: true })
  await symlink(join(adapters, 'loop.gguf'), join(adapters, 'loop.gguf'))
  await symlink(join(adapters, 'nothing'), join(adapters, 'dangling.gguf'))
  await writeFile(join(adapters, 'text.gguf'), 'no adapter')
  const listed = openAdapters(adapters, () => 'llama').list()
  expect(listed.map(({ name }) => name)).toEqual(['text'])
  expect(listed[0]?.problem).toBeString()
  await folder.remove()
})
