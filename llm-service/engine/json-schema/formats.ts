/** Texts of each `format`, as patterns: all of them are valid for it, some rare valid ones are left out. */
import { type Pattern, readPattern } from './pattern.ts'

const date =
  '(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))' +
  '|(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)'
const time = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+\\-]([01]\\d|2[0-3]):[0-5]\\d)'
const byte = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = `(${byte}\\.){3}${byte}`
const path = "[A-Za-z0-9._~!$&'()*+,;=:@/?#%\\-]{0,500}"
const label = '[A-Za-z0-9]([A-Za-z0-9\\-]{0,61}[A-Za-z0-9])?'

const formats = new Map([
  // RFC 3339, section 5.6; leap seconds are left out.
  ['date', `^${date}$`],
  ['time', `^${time}$`],
  ['date-time', `^${date}T${time}$`],
  ['duration', '^P(\\d{1,9}W|\\d{1,9}D(T\\d{1,9}H(\\d{1,9}M)?)?|T(\\d{1,9}H)?\\d{1,9}M|T\\d{1,9}[HS])$'],
  ['uuid', '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'],
  // The unquoted local part of RFC 5322 less its rarer signs, at a domain with a dot.
  ['email', '^[A-Za-z0-9_+\\-]+(\\.[A-Za-z0-9_+\\-]+)*@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$'],
  ['hostname', `^${label}(\\.${label}){0,4}$`],
  ['ipv4', `^${ipv4}$`],
  ['ipv6', '^[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){7}$'],
  // With a host whose last label is no number, as WHATWG's URL wants it.
  [
    'uri',
    `^[a-z][a-z0-9+.\\-]{1,15}://((${label}\\.){0,4}[A-Za-z]([A-Za-z0-9\\-]{0,61}[A-Za-z0-9])?|${ipv4})(:\\d{1,4})?(/${path})?$`,
  ],
])

export const formatNames = [...formats.keys()].join(', ')

const read = new Map<string, Pattern>()

/** Null for a format that is not known. */
export function formatPattern(name: string): Pattern | null {
  const source = formats.get(name)
  if (source === undefined) return null
  const pattern = read.get(name) ?? readPattern(source)
  read.set(name, pattern)
  return pattern
}
