/**
 * A second process for the tests of the embedded database: `bun writer-process.ts DATA_DIR COLLECTION`.
 * Says `open`, then publishes one document after the other and says the number of each once it is acknowledged.
 */
import { openDatabase } from '../../db/open.ts'
import { openWriter, publish } from './corpus.ts'

const [dataDir, collection] = process.argv.slice(2)
if (dataDir === undefined || collection === undefined)
  throw new Error('usage: writer-process.ts DATA_DIR COLLECTION')
const db = await openDatabase({ dataDir })
console.log('open')
const writer = await openWriter(db)
for (let i = 0; ; i++) {
  await publish(writer, {
    collection,
    place: `/${i}`,
    passages: [{ text: `document ${i}` }, { text: `second ${i}` }],
  })
  console.log(i)
}
