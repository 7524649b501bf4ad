/** docker-compose.yml without an engine: it parses, refers to what is there, and opens nothing to the network. */
import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { settings } from '../../scripts/config.ts'

const project = resolve(import.meta.dir, '..', '..')

interface Service {
  image?: string
  build?: string | { context: string }
  command?: string[]
  ports?: string[]
  profiles?: string[]
  volumes?: string[]
  environment?: Record<string, unknown>
  depends_on?: Record<string, unknown>
}

const compose = Bun.YAML.parse(await Bun.file(join(project, 'docker-compose.yml')).text()) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const services = Object.entries(compose.services)

test('every service has an image or a folder to build from', () => {
  expect(services.map(([name]) => name).sort()).toEqual(['backend', 'database', 'llm-service'])
  for (const [name, { image, build }] of services) {
    const context = typeof build === 'object' ? build.context : (build ?? '-')
    expect(`${name}: ${image !== undefined || existsSync(join(project, context, 'Dockerfile'))}`).toBe(
      `${name}: true`,
    )
  }
})

test('only 127.0.0.1 is published, and the database not at all', () => {
  for (const [, { ports }] of services) for (const port of ports ?? []) expect(port).toStartWith('127.0.0.1:')
  expect(compose.services.database?.ports).toBeUndefined()
})

test('what it sets on the backend and the model service are settings of Mentor', () => {
  const known = Object.values(settings).flatMap(({ env }) => env)
  for (const service of ['backend', 'llm-service']) {
    for (const name of Object.keys(compose.services[service]?.environment ?? {}))
      expect(known).toContain(name)
  }
})

test('volumes and services that are named exist, and it starts without a GPU', () => {
  for (const [, { volumes, depends_on }] of services) {
    for (const volume of volumes ?? []) {
      const source = volume.split(':')[0] ?? ''
      if (/^[a-z]+$/.test(source)) expect(Object.keys(compose.volumes)).toContain(source)
    }
    for (const other of Object.keys(depends_on ?? {}))
      expect(compose.services[other]?.profiles).toBeUndefined()
  }
  expect(compose.services['llm-service']?.profiles).toEqual(['gpu'])
})
