/** Lines that are no part of a text whatever page they stand on, in English and German. */

/** Whole lines that lead away from the text or belong to the page's machinery. */
const machinery =
  /^(?:advertisement|anzeige|werbung|sponsored(?: content)?|share(?: this)?(?: (?:article|post|page|on .{1,20}))?|teilen(?: auf .{1,20})?|tweet|pin it|print|drucken|e-?mail|facebook|twitter|whatsapp|linkedin|pinterest|copy link|link kopieren|read more|weiterlesen|mehr lesen|continue reading|mehr|more|back to .{2,25}|nach oben|zum seitenanfang|zurück zu .{2,25}|skip to (?:main )?content|zum inhalt(?: springen)?|(?:leave|post) a (?:comment|reply)|kommentar (?:schreiben|verfassen|hinterlassen)|\d* ?(?:comments?|kommentare?|likes?|shares?|views?|aufrufe|antworten)|sign up|log ?in|anmelden|registrieren|subscribe|abonnieren|artikel merken|merken|vorlesen|related (?:articles|posts|stories|topics|content|links)|verwandte (?:artikel|themen|beiträge)|mehr zum thema|zum thema|das könnte (?:sie|dich|ihnen) (?:auch )?(?:interessieren|gefallen).*|you (?:may|might) also (?:like|be interested in|enjoy).*|most (?:read|popular)|meistgelesen|meist gelesen|neueste (?:beiträge|artikel|kommentare)|recent (?:posts|comments)|latest (?:news|posts|articles|stories)|previous(?: (?:post|article))?|next(?: (?:post|article))?|vorheriger (?:beitrag|artikel)|nächster (?:beitrag|artikel)|zurück|weiter|tags?:?|schlagw(?:ort|örter):?|filed under:?|kategorien?:?|categor(?:y|ies):?|follow us.*|folgen sie uns.*|all rights reserved\.?|alle rechte vorbehalten\.?)\s*[:›»>→…]*$/i

/** Beginnings of a line that names another text. */
const pointer =
  /^(?:[→»›►▶>+]\s*|(?:lesen sie (?:auch|hier|dazu)|lies (?:auch|dazu)|read (?:also|more|next|on)|see also|also read|siehe auch|mehr (?:zum thema|dazu|lesen)|more (?:on|from)|related|watch|zum thema|auch interessant|das könnte|dazu passend|weitere (?:artikel|nachrichten|infos)|don'?t miss|you may also|recommended|empfohlen)\b[^.!?]{0,30}[:.…]?\s*)/i

export function isMachinery(line: string): boolean {
  return line.length <= 80 && machinery.test(line)
}

export function isPointer(line: string): boolean {
  return pointer.test(line)
}

/** Whose picture it is: `Photo: Ann Lee / Agency`. */
const credit =
  /^\(?(?:photo|foto|bild|image|picture|credit|quelle|source|grafik|video|©)s?(?:\s*(?:credit|by|von|quelle|courtesy))?\s*(?:[:(/©]|by\b)/i

export function isCredit(line: string): boolean {
  return line.length <= 100 && credit.test(line)
}

const consent =
  /\bcookies?\b|\bconsent\b|einwilligung|privatsphäre|\byour privacy\b|\bdatenschutz|\bpersonali[sz]ed? ads\b|\bpartners?\b|\bpartner\b/gi
const signup = /\bnewsletter\b|\bmailing list\b/i
const inbox =
  /\b(?:sign up|subscribe|inbox|unsubscribe|postfach|abonnieren|anmelden|kostenlos|jeden? \w+tag|e-?mail)\b/i

/** A banner that asks for consent, or for an address to send news to: by what it says, for pages that name nothing. */
export function isNotice(words: string): boolean {
  if (words.length > 900) return false
  const said = new Set([...words.matchAll(consent)].map(([word]) => word.toLowerCase()))
  if (
    said.size >= 2 &&
    /cookie|consent|einwilligung/i.test(words) &&
    /accept|akzeptier|zustimm|einverstanden|agree|widerruf|change your mind|verwende[tn]? cookies|uses? cookies/i.test(
      words,
    )
  )
    return true
  return words.length <= 300 && signup.test(words) && inbox.test(words)
}

/** `© 2024 The Courier`, in a line of its own. */
export function isCopyright(line: string): boolean {
  return (
    line.length <= 160 &&
    /^(?:copyright\s)?(?:©|\(c\))\s?\d|^©|all rights reserved\.?$|alle rechte vorbehalten\.?$/i.test(line)
  )
}
