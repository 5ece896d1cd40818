// The colours of the samples, and what they mean: the part of that kind, on a page of one brightness.

import { isDark } from "./colours.js"
import { HIDDEN, PALE, SHOWN } from "./dots.js"
import { number } from "../dom.js"

export class Colouring {
  constructor(part, paper) {
    this.part = part
    this.palette = isDark(paper) ? part.dark : part.light
  }

  get codes() {
    return this.part.codes
  }

  get shapes() {
    return this.part.shapes
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

  // Which dots are drawn, and which of them pale. selected: a bit a sample, or none where nothing is selected. only:
  // the codes of the legend entries that are shown alone, or none.
  states(places, selected, only) {
    const { codes, missing } = this.part
    const states = new Uint8Array(codes.length)
    for (let sample = 0; sample < states.length; sample++) {
      const code = codes[sample]
      const chosen = !selected || (selected[sample >> 3] >> (sample & 7)) & 1
      const shown = chosen && code !== missing && (!only.size || only.has(code))
      states[sample] = !places.has(sample) ? HIDDEN : shown ? SHOWN : PALE
    }
    return states
  }
}
