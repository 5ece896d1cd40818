// The map. The view (zoom) is the browser's; of all that the reader does, only a polygon or a row number goes back to
// Python. Samples are rows of the pool; validation examples count from -1 down.

import SYMBOLS from "../../figures/symbols.json"
import { channel } from "../shared/canvas/channel.js"
import { css, parse } from "../shared/canvas/colours.js"
import { Dots } from "../shared/canvas/dots.js"
import { Gestures } from "../shared/canvas/gestures.js"
import { Pen } from "../shared/canvas/pen.js"
import { Plane } from "../shared/canvas/plane.js"
import { Colouring } from "../shared/canvas/colouring.js"
import { drawLegend } from "../shared/canvas/legend.js"
import { drawMarks, startsOf } from "../shared/canvas/marks.js"
import { savePicture } from "../shared/canvas/picture.js"
import { Places } from "../shared/canvas/places.js"
import { highlighted, statesOf } from "../shared/canvas/states.js"
import { Texts } from "../shared/canvas/texts.js"
import { readTheme } from "../shared/canvas/theme.js"
import { Search } from "./search.js"
import { Table } from "./table.js"

const REST_MS = 250 // Python is told of a sample after the reader rests on it this long,
const VIEW_MS = 700 // and of another view after this.
const STAR_PX = 7 // a click this near a star means it
const ROOM_PX = 24 // a sample in focus is this far from the edge

const maps = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  let map = maps.get(parentElement)
  if (!map) {
    map = new MapView(parentElement.querySelector(".map"))
    maps.set(parentElement, map)
  }
  map.raise = setTriggerValue
  map.readTheme()
  return () => {
    map.close()
    maps.delete(parentElement)
  }
}

class MapView {
  constructor(root) {
    this.root = root
    this.find = (name) => root.querySelector(name)
    this.stage = this.find(".stage")
    this.plane = new Plane()
    this.dots = new Dots(this.find(".dots"))
    this.pen = new Pen(this.find(".over"))
    this.gestures = new Gestures(this.find(".over"), this)
    this.channel = channel("map")
    this.memory = this.channel.memory
    this.memory.views ??= {} // what is seen of each map
    this.memory.order ??= null // the last order of Python to go to a focus and view
    this.texts = new Texts(this)
    this.search = new Search(this)
    this.table = new Table(this)
    this.only = new Set() // codes of the legend entries shown alone
    this.list = { open: false, words: "" } // of all categories
    this.alone = false // whether the others are hidden
    this.starts = new Set()
    this.places = this.colouring = this.walk = this.basket = null
    this.focus = this.pointed = this.area = null
    this.changed = new Set()
    this.bindTools()
    this.resized = new ResizeObserver(() => this.resize())
    this.resized.observe(this.stage)
    this.readTheme()
    this.resize()
    this.stopListening = this.channel.listen((kind) => this.receive(kind))
    this.receive("points")
  }

  bindTools() {
    for (const button of this.root.querySelectorAll("[data-mode]")) {
      button.onclick = () => this.gestures.setMode(button.dataset.mode)
    }
    const acts = {
      in: () => this.gestures.zoomBy(1.5),
      out: () => this.gestures.zoomBy(1 / 1.5),
      reset: () => this.reset(),
      alone: () => this.isolate(!this.alone),
      save: () => savePicture({ ...this.shown(), layers: [this.dots.canvas, this.pen.canvas] }),
    }
    for (const button of this.root.querySelectorAll("[data-act]")) {
      button.onclick = () => this.ready && acts[button.dataset.act]()
    }
    for (const button of this.root.querySelectorAll("[data-go]")) {
      button.onclick = () => this.ready && this.search.go(Number(button.dataset.go))
    }
  }

  close() {
    this.closed = true
    this.resized.disconnect()
    this.texts.close()
    this.search.close()
    clearTimeout(this.resting)
    clearTimeout(this.viewing)
    this.stopListening()
  }

  get ready() {
    return this.places !== null && this.colouring !== null
  }

  // What Python sent

  receive(kind) {
    const { parts } = this.channel
    const part = parts[kind]
    if (!part) return
    if (kind === "points" && part.map !== this.key) return this.receivePoints(part)
    if (part.map !== this.key) return
    const receivers = {
      colours: () => this.receiveColours(part),
      walk: () => this.receiveWalk(part),
      marks: () => this.receiveMarks(part),
      texts: () => this.texts.receive(part.texts),
      matches: () => this.receiveMatches(part),
      rows: () => this.table.receive(part),
    }
    receivers[kind]?.()
  }

  receivePoints(part) {
    this.key = part.map
    this.places = new Places(part)
    this.colouring = this.walk = this.basket = null
    this.plane.extent = part.extent
    this.plane.view = this.memory.views[this.key] ??= this.plane.whole()
    this.pointed = this.area = null
    this.only.clear()
    this.find("#map-about").textContent = part.about
    for (const kind of ["colours", "walk", "marks", "matches", "rows"]) this.receive(kind)
    this.change("dots")
  }

  receiveColours(part) {
    if (part.scheme !== this.colouring?.part.scheme) {
      this.only.clear()
      this.list.words = ""
    }
    this.colouring = new Colouring(part, this.paper)
    this.colouring.pick(this.only)
    this.drawLegend()
    this.change("dots")
  }

  receiveWalk(part) {
    this.walk = part.sample.length ? part : null
    this.starts = this.walk ? startsOf(part) : new Set()
    this.drawLegend()
    this.change("marks")
  }

  receiveMarks(part) {
    const another = part.bitsId !== this.basketId
    this.basket = part.bits.length ? part.bits : null
    this.basketId = part.bitsId
    this.counted = part.counted
    this.area = null
    this.drawLegend()
    if (this.memory.order !== part.order) {
      this.memory.order = part.order
      this.focus = part.focus
      if (part.view) {
        const [x, y, zoom] = part.view
        this.plane.view = this.memory.views[this.key] = { x, y, zoom }
        this.change("dots")
      }
    } else {
      this.focus ??= part.focus
    }
    this.change(another ? "dots" : "marks")
  }

  receiveMatches(part) {
    const another = part.id !== this.search.part?.id
    this.search.receive(part)
    if (!another) return
    if (this.alone) this.fit()
    this.change("dots")
  }

  readTheme() {
    Object.assign(this, readTheme(this.root))
    if (this.colouring) {
      this.colouring = new Colouring(this.colouring.part, this.paper)
      this.colouring.pick(this.only)
    }
    this.drawLegend()
    this.change("dots")
  }

  resize() {
    this.dpr = this.plane.fill(this.stage, this.dots.canvas, this.pen.canvas)
    this.change("dots")
  }

  // The view

  // Of a dot, in CSS pixels.
  get radius() {
    const { width, height, view } = this.plane
    const room = Math.sqrt((0.13 * width * height) / (Math.PI * this.places.x.length))
    return Math.min(9, Math.max(0.9, Math.min(5.5, room)) * view.zoom ** 0.4)
  }

  reset() {
    if (!this.places) return
    clearTimeout(this.resting)
    Object.assign(this.plane.view, this.plane.whole())
    this.moved()
  }

  moved() {
    if (!this.places) return
    this.change("dots")
    this.texts.drawTip()
    clearTimeout(this.viewing)
    this.viewing = setTimeout(() => {
      const { x, y, zoom } = this.plane.view
      const view = this.plane.isWhole() ? null : [Math.round(x), Math.round(y), Number(zoom.toPrecision(4))]
      this.channel.raise.moved?.({ map: this.key, view })
    }, VIEW_MS)
  }

  // The focus and the pointer

  nearest(place, reach) {
    if (!this.places) return null
    const { scale } = this.plane
    return this.places.nearest(this.plane.unplace(...place), reach / scale, STAR_PX / scale, this.starts)
  }

  hover(sample) {
    if (!this.ready || sample === this.pointed) return
    this.pointed = sample
    this.change("marks")
    this.table.mark()
    this.texts.drawTip()
    this.texts.askSoon(sample)
  }

  // To the next sample in a direction; where none is in focus, to the one nearest to the middle of what is seen.
  step(direction) {
    if (!this.ready) return
    if (this.focus !== null && this.places.has(this.focus)) {
      const next = this.places.ahead(this.focus, direction)
      if (next !== null) this.open(next)
      return
    }
    const { view, extent } = this.plane
    const middle = this.places.nearest([view.x, view.y], 2 * Math.max(...extent), 0, this.starts)
    if (middle !== null) this.open(middle)
  }

  open(sample) {
    this.focus = this.root.dataset.focus = sample
    const { plane } = this
    const [left, top] = plane.place(...this.places.at(sample))
    if (this.places.has(sample) && !plane.sees([left, top], -ROOM_PX)) {
      plane.pan(plane.width / 2 - left, plane.height / 2 - top)
      this.moved()
    }
    this.change("marks")
    this.drawLegend()
    this.table.mark()
    this.texts.ask(sample)
    this.texts.announce()
    clearTimeout(this.resting)
    this.resting = setTimeout(() => this.raise("focus", this.focus), REST_MS)
  }

  draw(area) {
    this.area = area
    this.change("marks")
  }

  surround(polygon) {
    this.raise("drawn", { polygon, how: this.find(".how select").value })
  }

  // Only what is highlighted, as large as it fits; or all again, where it was.
  isolate(alone) {
    const { plane } = this
    const before = { ...plane.view }
    if (alone && !this.fit()) {
      return this.texts.announce("Nothing is highlighted: search, filter, or fill the basket first")
    }
    this.alone = alone
    this.find("[data-act=alone]").setAttribute("aria-pressed", String(alone))
    if (alone) this.before = before
    else Object.assign(plane.view, this.before)
    this.moved()
  }

  // Whether anything is highlighted, which is then shown as large as it fits.
  fit() {
    const box = this.places.box(highlighted(this.states(), this.choice()))
    if (box) this.plane.show(box)
    return box !== null
  }

  clear() {
    clearTimeout(this.resting)
    this.focus = this.area = null
    this.root.dataset.focus = ""
    this.only.clear()
    this.colouring?.pick(this.only)
    if (this.alone) this.isolate(false)
    this.drawLegend()
    this.table.mark()
    this.change("dots")
    this.texts.announce("Cleared")
    this.raise("cleared", true)
  }

  modeChanged(mode) {
    for (const button of this.root.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-checked", String(button.dataset.mode === mode))
    }
  }

  // Drawing, at most once a frame

  // All that is drawn, for the functions that draw a part of it.
  shown() {
    const { plane, dpr, font, ink, paper, accent, colouring, places, walk, only, focus } = this
    const { width, height } = plane
    const basket = this.basket !== null
    return { plane, width, height, dpr, font, ink, paper, accent, colouring, places, walk, only, focus, basket }
  }

  drawLegend() {
    if (!this.ready) return
    const { only, list } = this
    const changed = () => {
      this.colouring.pick(only)
      this.drawLegend()
      this.change("dots")
    }
    drawLegend(this.find(".legend"), this.shown(), {
      only,
      list,
      press: (code) => {
        if (!only.delete(code)) only.add(code)
        changed()
      },
      clear: () => {
        only.clear()
        changed()
      },
      redraw: () => this.drawLegend(),
    })
  }

  // what: "dots" for everything, "marks" for what lies above the dots.
  change(what) {
    if (!this.changed.size) requestAnimationFrame(() => this.paint())
    this.changed.add(what)
  }

  paint() {
    const all = this.changed.has("dots")
    this.changed.clear()
    if (this.closed || !this.ready) return
    const started = performance.now()
    if (all) this.paintDots()
    this.pen.begin(this.shown())
    drawMarks(this.pen, {
      ...this.shown(),
      radius: this.radius,
      names: this.colouring.part.names.map(({ text, at }) => [text, at]),
      hover: this.pointed,
      focus: this.focus,
      area: this.area,
      rampOf: this.colouring.part.scheme === "order" ? (sample) => this.rampOf(sample) : null,
    })
    // What tests and assistive scripts can read of a picture.
    Object.assign(this.root.dataset, {
      drawn: this.key,
      scheme: this.colouring.part.scheme,
      focus: this.focus ?? "",
      zoom: this.plane.view.zoom.toFixed(3),
      selected: this.counted ?? 0,
      found: this.search.part?.on ? this.search.part.count : "",
      alone: this.alone,
    })
    if (all) this.root.dataset.paint = (performance.now() - started).toFixed(1)
  }

  paintDots() {
    const { dpr, ink, paper, places, colouring } = this
    this.dots.draw({
      points: places,
      colours: colouring,
      state: this.states(),
      projection: this.plane.projection(dpr),
      radius: Math.round(4 * this.radius * dpr) / 4,
      line: 1.5 * dpr,
      ink,
      paper,
      frames: parse(SYMBOLS.basket.colour),
    })
  }

  // The colour of a step of the walk.
  rampOf(sample) {
    const { codes, part } = this.colouring
    return codes[sample] === part.missing ? null : css(this.colouring.colour(codes[sample]))
  }

  // What decides how dots are drawn.
  choice() {
    return { only: this.only, matches: this.search.bits, basket: this.basket, alone: this.alone }
  }

  // Kept until places, colours, basket, search or legend change.
  states() {
    const { key: map, colouring, basketId, search, alone } = this
    const key = [map, colouring.part.id, basketId, search.part?.id, alone, ...this.only].join(" ")
    if (key !== this.statesKey) {
      this.statesKey = key
      this.knownStates = statesOf(this.places, colouring, this.choice())
    }
    return this.knownStates
  }
}
