import { defineConfig } from 'drizzle-kit'

/** `bunx drizzle-kit generate --config db/drizzle.config.ts` writes the next migration; it needs no database. */
export default defineConfig({ dialect: 'postgresql', schema: './db/schema.ts', out: './db/migrations' })
