/**
 * The little of XML that stores answer with: elements without attributes, text, five entities and numeric ones.
 *
 * Not a parser: it finds elements by name in documents whose form is fixed by the API.
 */

/** The texts between `<name>` and `</name>`, as they stand there. */
export function elementsOf(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([^]*?)</${name}>`, 'g'))].map(
    ([, inner = '']) => inner,
  )
}

/** The text of the first element of that name, decoded. */
export function textOf(xml: string, name: string): string | undefined {
  const [inner] = elementsOf(xml, name)
  return inner === undefined ? undefined : decoded(inner)
}

/** Text for an element. */
export function encoded(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decoded(inner: string): string {
  return inner.replace(/&(?:#x([\da-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16))
    if (decimal !== undefined) return String.fromCodePoint(parseInt(decimal, 10))
    return entities[name] ?? whole
  })
}
