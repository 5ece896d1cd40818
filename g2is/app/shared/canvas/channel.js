// What Python sends to a canvas arrives in other components: a channel, which both find by its name, joins them.

const channels = new Map()

export function channel(name) {
  if (!channels.has(name)) channels.set(name, new Channel())
  return channels.get(name)
}

class Channel {
  constructor() {
    this.parts = {} // the latest part of each kind
    this.events = {} // that Python listens to: functions of a value, by name
    this.raise = () => {} // of a name and a value: the canvas says when events are raised
    this.memory = {} // for the canvas: survives a visit to another page
    this.listener = null // of the canvas: called with the kind of a part that is new
  }

  // Returns a function that stops listening. A canvas that takes another's place may listen before that one stops.
  listen(listener) {
    this.listener = listener
    return () => {
      if (this.listener === listener) this.listener = null
    }
  }

  receive(part) {
    if (this.parts[part.kind]?.id === part.id) return
    this.parts[part.kind] = part
    this.listener?.(part.kind)
  }
}

// The bytes of `pack` in Python: 4 bytes length, a JSON header, the arrays that it lists as [name, type, count].
export function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const part = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  let start = 4 + length
  for (const [name, type, count] of part.arrays) {
    const Kind = { u1: Uint8Array, u2: Uint16Array, i4: Int32Array, f4: Float32Array }[type]
    const end = start + Kind.BYTES_PER_ELEMENT * count
    part[name] = new Kind(bytes.slice(start, end).buffer)
    start = end
  }
  return part
}
