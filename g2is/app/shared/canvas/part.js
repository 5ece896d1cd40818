// A component without a picture: it hands one part to the canvas that the part is for.

import { whileHere } from "../leaving.js"
import { channel, unpack } from "./channel.js"

export default function ({ data, parentElement, setTriggerValue }) {
  const part = unpack(data)
  const to = channel(part.channel)
  const raise = whileHere(parentElement, setTriggerValue)
  for (const name of part.events ?? []) to.raise[name] = (value) => raise(name, value)
  to.receive(part)
}
