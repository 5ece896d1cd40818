// Hands the map what Python sends: the map itself lies in another element, and each part of what it shows in one of
// its own, since an element is sent again only when its bytes change.

export default function ({ data, setTriggerValue }) {
  const board = (globalThis.g2isMap ??= { parts: {}, show: null, ask: null, moved: null })
  const part = unpack(data)
  if (part.kind === "texts") {
    board.ask = (samples) => setTriggerValue("ask", samples)
    board.moved = (view) => setTriggerValue("moved", view)
  }
  if (board.parts[part.kind]?.id === part.id) return
  board.parts[part.kind] = part
  board.show?.(part.kind)
}

// 4 bytes length, a JSON header, then the arrays that the header lists as [name, type, count].
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const part = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  let start = 4 + length
  for (const [name, type, count] of part.arrays) {
    const Kind = { u1: Uint8Array, u2: Uint16Array, i4: Int32Array }[type]
    const end = start + Kind.BYTES_PER_ELEMENT * count
    part[name] = new Kind(bytes.slice(start, end).buffer)
    start = end
  }
  return part
}
