// The colours of the samples, and what they mean: the part of that kind, on a page of one brightness.

import { isDark } from "./colours.js"
import { number } from "../dom.js"

export class Colouring {
  constructor(part, paper) {
    this.part = part
    this.own = isDark(paper) ? part.dark : part.light
    this.pick(new Set())
  }

  get codes() {
    return this.part.codes
  }

  // Categories that the reader picks are told apart: those that share a colour and a shape get free ones, in the order
  // in which they were picked.
  pick(only) {
    const { shapes, coloured } = this.part
    this.palette = this.own.slice()
    this.shapes = shapes?.slice()
    if (!shapes) return
    const free = Array.from({ length: coloured }, (_, code) => code).filter((code) => !only.has(code))
    for (const code of only) {
      if (code < coloured || !free.length) continue
      const like = free.shift()
      this.palette.set(this.own.slice(3 * like, 3 * like + 3), 3 * code)
      this.shapes[code] = shapes[like]
    }
  }

  // [r, g, b] of a code.
  colour(code) {
    return [...this.palette.slice(3 * code, 3 * code + 3)]
  }

  // [r, g, b] along the scale, from its low end to its high end.
  ramp(stops) {
    return Array.from({ length: stops }, (_, stop) =>
      this.colour(Math.round((stop * this.part.levels) / (stops - 1))),
    )
  }

  // The value of a sample in words.
  valueOf(sample) {
    const { codes, missing, levels, title, entries, low, high, log, whole, unit, none } = this.part
    const code = codes[sample]
    if (code === missing) return `${title}: ${none || "none"}`
    if (entries) return entries[code].name
    const share = code / levels
    const value = log ? low * (high / low) ** share : low + (high - low) * share
    return `${title}: about ${number(whole ? Math.round(value) : Number(value.toPrecision(3)))} ${unit}`
  }
}
