// A component without a picture: it hands one part to the canvas that the part is for.

import { channel, unpack } from "./channel.js"

export default function ({ data, setTriggerValue }) {
  const part = unpack(data)
  const to = channel(part.channel)
  for (const name of part.events ?? []) to.events[name] = (value) => setTriggerValue(name, value)
  to.receive(part)
}
