// What is told from the rest of the pool: categories picked in the legend, what is found, the basket; alone or among the
// others. Categories, and whether they are alone, are in the URL.

import { HIDDEN } from "../shared/canvas/dots.js"
import { drawLegend } from "../shared/canvas/legend.js"
import { highlighted, statesOf } from "../shared/canvas/states.js"

export class Highlight {
  // map: a MapView.
  constructor(map) {
    this.map = map
    this.only = new Set() // codes of the legend entries picked
    this.list = { open: false, words: "" } // of all categories
    this.alone = false // whether the others are hidden
  }

  // To what the URL says.
  order({ only, alone }) {
    this.only = new Set(only)
    this.setAlone(alone)
    this.recolour()
  }

  // Other colours have other categories.
  forget() {
    this.only.clear()
    this.list.words = ""
  }

  clear() {
    this.only.clear()
    this.recolour()
    if (this.alone) this.turn(false)
  }

  recolour() {
    this.map.colouring?.pick(this.only)
    this.draw()
    this.map.painter.change("dots")
  }

  draw() {
    const { map, only, list } = this
    if (!map.ready) return
    drawLegend(map.find(".legend"), map.shown(), {
      only,
      list,
      press: (code) => {
        if (!only.delete(code)) only.add(code)
        this.picked()
      },
      clear: () => {
        only.clear()
        this.picked()
      },
      redraw: () => this.draw(),
    })
  }

  picked() {
    this.recolour()
    this.tell()
  }

  tell() {
    this.map.raise("legend", { only: [...this.only], alone: this.alone })
  }

  // Only what is highlighted, as large as it fits; or all again, where it was.
  isolate(alone) {
    if (this.turn(alone)) this.tell()
  }

  // Whether it was done.
  turn(alone) {
    const { plane, texts, pointing } = this.map
    const before = { ...plane.view }
    if (alone && !this.fit()) {
      texts.announce("Nothing is highlighted: search, filter, or fill the basket first")
      return false
    }
    this.setAlone(alone)
    this.draw()
    if (alone) this.before = before
    else Object.assign(plane.view, this.before ?? plane.whole())
    pointing.moved()
    return true
  }

  setAlone(alone) {
    this.alone = alone
    this.map.find("[data-act=alone]").setAttribute("aria-pressed", String(alone))
  }

  // Whether anything is highlighted, which is then shown as large as it fits.
  fit() {
    const { places, plane, ready } = this.map
    const box = ready ? places.box(highlighted(this.states(), this.choice())) : null
    if (box) plane.show(box)
    return box !== null
  }

  // Whether a sample, or a validation example, is not to be seen, because what it does not belong to is seen alone. Of a
  // walk that the reader asked for all is seen.
  hides(sample) {
    return this.alone && !this.map.asked.has(sample) && (sample < 0 || this.states()[sample] === HIDDEN)
  }

  // What decides how dots are drawn.
  choice() {
    const { search, basket } = this.map
    return { only: this.only, matches: search.bits, basket, alone: this.alone }
  }

  // Kept until places, colours, basket, search or legend change.
  states() {
    const { key: map, colouring, basketId, search, places } = this.map
    const key = [map, colouring.part.id, basketId, search.part?.id, this.alone, ...this.only].join(" ")
    if (key !== this.statesKey) {
      this.statesKey = key
      this.knownStates = statesOf(places, colouring, this.choice())
    }
    return this.knownStates
  }
}
