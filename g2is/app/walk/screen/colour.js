// What the dots of the walk's map are coloured by, as on the Map page, and the legend of it.

import { css, isDark, parse } from "../../shared/canvas/colours.js"
import { Colouring } from "../../shared/canvas/colouring.js"
import { drawLegend } from "../../shared/canvas/legend.js"
import { statesOf } from "../../shared/canvas/states.js"
import { element } from "../../shared/dom.js"

const GREYS = { light: [88, 99, 112], dark: [176, 186, 197] }

export class Colours {
  // map: a WalkMap. changed(): the dots have other colours.
  constructor(map, changed) {
    this.map = map
    this.changed = changed
    this.only = new Set() // codes of the legend entries shown alone
    this.list = { open: false, words: "" } // of all categories
    this.colouring = null
    const { screen } = map
    this.select = screen.find(".colour")
    this.select.onchange = () => {
      screen.raise("colour", this.select.value)
      this.draw()
    }
  }

  // schemes: [name, title] of each. scheme: the one chosen, or "".
  offer(schemes, scheme) {
    const options = [["", "colour: none"], ...schemes].map(([name, title]) => {
      const option = element("option", "", title)
      option.value = name
      return option
    })
    this.select.replaceChildren(...options)
    this.select.value = scheme
    this.draw()
  }

  receive(part) {
    if (part.scheme !== this.part?.scheme) this.only.clear()
    this.part = part
    this.draw()
  }

  // After another choice, other colours, or another theme.
  draw() {
    const { part, select, map } = this
    const legend = map.screen.find(".colours")
    const isHere = part && part.scheme === select.value && part.map === map.key
    this.colouring = isHere ? new Colouring(part, map.paper) : null
    this.colouring?.pick(this.only)
    legend.hidden = !select.value
    if (isHere) this.drawLegend(legend)
    else legend.textContent = select.value ? "The colours are on their way …" : ""
    this.changed()
  }

  drawLegend(legend) {
    const { only, list, map, colouring } = this
    const changed = () => this.draw()
    const press = (code) => {
      if (!only.delete(code)) only.add(code)
      changed()
    }
    const clear = () => {
      only.clear()
      changed()
    }
    const { ink, paper, accent, dpr } = map
    const nothing = { places: { examples: () => [] }, walk: null, basket: false, focus: null, hides: () => false }
    const shown = { colouring, ink, paper, accent, dpr, ...nothing }
    drawLegend(legend, shown, { only, list, press, clear, redraw: () => this.drawLegend(legend) })
  }

  // The CSS colour of an instruction, as its dot has it; null where dots have none.
  of(row) {
    const { colouring } = this
    const code = colouring?.codes[row]
    return colouring && code !== colouring.part.missing ? css(colouring.colour(code)) : null
  }

  // Changes with the colours.
  get key() {
    return this.colouring ? `${this.part.id} ${[...this.only].join()}` : ""
  }

  // For Dots: colours, and the state of every dot. found: rows that a search found, which alone are not pale; or null. basket:
  // those with a frame.
  paint(places, found, basket) {
    const { colouring, only, map } = this
    const count = places.x.length
    const grey = GREYS[isDark(map.paper) ? "dark" : "light"]
    const plain = { codes: new Uint8Array(count), part: {}, palette: found ? parse(map.accent) : grey, shapes: null }
    const colours = colouring ?? plain
    const highlights = { only, matches: bitsOf(found, count), basket: bitsOf(basket, count), alone: false }
    return { colours, states: statesOf(places, colours, highlights) }
  }
}

// A bit for each of `count` rows; null for null.
function bitsOf(rows, count) {
  const bits = rows && new Uint8Array((count + 7) >> 3)
  for (const row of rows ?? []) bits[row >> 3] |= 1 << (row & 7)
  return bits
}
