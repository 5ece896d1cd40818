// The map. The view (zoom) is the browser's; of all that the reader does, only a polygon or a row number goes back to
// Python. Samples are rows of the pool; validation examples count from -1 down.

import { channel } from "../shared/canvas/channel.js"
import { css, parse } from "../shared/canvas/colours.js"
import { Dots, SHOWN } from "../shared/canvas/dots.js"
import { Gestures } from "../shared/canvas/gestures.js"
import { Pen } from "../shared/canvas/pen.js"
import { Plane } from "../shared/canvas/plane.js"
import { Colouring } from "../shared/canvas/colouring.js"
import { drawLegend } from "../shared/canvas/legend.js"
import { drawMarks, startsOf } from "../shared/canvas/marks.js"
import { savePicture } from "../shared/canvas/picture.js"
import { Places } from "../shared/canvas/places.js"
import { Texts } from "../shared/canvas/texts.js"

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
    this.only = new Set() // codes of the legend entries shown alone
    this.starts = new Set()
    this.places = this.colouring = this.walk = this.selected = null
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
      save: () => savePicture({ ...this.shown(), layers: [this.dots.canvas, this.pen.canvas] }),
    }
    for (const button of this.root.querySelectorAll("[data-act]")) {
      button.onclick = () => this.ready && acts[button.dataset.act]()
    }
  }

  close() {
    this.closed = true
    this.resized.disconnect()
    this.texts.close()
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
    }
    receivers[kind]?.()
  }

  receivePoints(part) {
    this.key = part.map
    this.places = new Places(part)
    this.colouring = this.walk = this.selected = null
    this.plane.extent = part.extent
    this.plane.view = this.memory.views[this.key] ??= this.plane.whole()
    this.pointed = this.area = null
    this.only.clear()
    this.find("#map-about").textContent = part.about
    for (const kind of ["colours", "walk", "marks"]) this.receive(kind)
    this.change("dots")
  }

  receiveColours(part) {
    if (part.scheme !== this.colouring?.part.scheme) this.only.clear()
    this.colouring = new Colouring(part, this.paper)
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
    const another = part.bitsId !== this.selectedId
    this.selected = part.bits.length ? part.bits : null
    this.selectedId = part.bitsId
    this.counted = part.counted
    this.area = null
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

  readTheme() {
    const style = getComputedStyle(this.root)
    const read = (name) => parse(style.getPropertyValue(name).trim())
    this.ink = read("--st-text-color")
    this.paper = read("--st-background-color")
    this.accent = style.getPropertyValue("--st-primary-color")
    this.font = style.getPropertyValue("--st-font") || "sans-serif"
    if (this.colouring) this.colouring = new Colouring(this.colouring.part, this.paper)
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
    if (!plane.sees([left, top], -ROOM_PX)) {
      plane.pan(plane.width / 2 - left, plane.height / 2 - top)
      this.moved()
    }
    this.change("marks")
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

  clear() {
    clearTimeout(this.resting)
    this.focus = this.area = null
    this.root.dataset.focus = ""
    this.only.clear()
    this.drawLegend()
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
    const { plane, dpr, font, ink, paper, accent, colouring, places, walk, only } = this
    const { width, height } = plane
    return { plane, width, height, dpr, font, ink, paper, accent, colouring, places, walk, only }
  }

  drawLegend() {
    if (!this.ready) return
    const press = (code) => {
      if (!this.only.delete(code)) this.only.add(code)
      this.change("dots")
    }
    drawLegend(this.find(".legend"), { ...this.shown(), press })
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
      colourOf: (sample) => this.colourOf(sample),
    })
    // What tests and assistive scripts can read of a picture.
    Object.assign(this.root.dataset, {
      drawn: this.key,
      scheme: this.colouring.part.scheme,
      focus: this.focus ?? "",
      zoom: this.plane.view.zoom.toFixed(3),
      selected: this.counted ?? 0,
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
      ink,
      paper,
    })
  }

  colourOf(sample) {
    const { codes } = this.colouring
    return this.states()[sample] === SHOWN ? css(this.colouring.colour(codes[sample])) : null
  }

  // Kept until places, colours, selection or legend change.
  states() {
    const key = [this.key, this.colouring.part.id, this.selectedId, ...this.only].join(" ")
    if (key !== this.statesKey) {
      this.statesKey = key
      this.knownStates = this.colouring.states(this.places, this.selected, this.only)
    }
    return this.knownStates
  }
}
