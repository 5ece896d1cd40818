// The map: what Python sent, brought to those that draw it, point into it and explain it. Samples are rows of the pool;
// validation examples count from -1 down.

import { channel } from "../shared/canvas/channel.js"
import { Colouring } from "../shared/canvas/colouring.js"
import { Dots } from "../shared/canvas/dots.js"
import { Gestures } from "../shared/canvas/gestures.js"
import { startsOf } from "../shared/canvas/marks.js"
import { Pen } from "../shared/canvas/pen.js"
import { savePicture } from "../shared/canvas/picture.js"
import { Places } from "../shared/canvas/places.js"
import { Plane } from "../shared/canvas/plane.js"
import { Texts } from "../shared/canvas/texts.js"
import { readTheme } from "../shared/canvas/theme.js"
import { addZooms } from "../shared/canvas/zooms.js"
import { whileHere } from "../shared/leaving.js"
import { Highlight } from "./highlight.js"
import { Painter } from "./painter.js"
import { Pointing } from "./pointing.js"
import { Search } from "./search.js"
import { Table } from "./table.js"

const maps = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  let map = maps.get(parentElement)
  if (!map) {
    map = new MapView(parentElement.querySelector(".map"))
    maps.set(parentElement, map)
  }
  map.raise = whileHere(parentElement, setTriggerValue)
  map.channel.raise = whileHere(parentElement, (name, value) => map.channel.events[name]?.(value))
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
    this.channel = channel("map")
    this.memory = this.channel.memory
    this.memory.views ??= {} // what is seen of each map
    this.memory.order ??= null // the last order of Python to go to a focus, a view and categories
    this.places = this.colouring = this.walk = this.basket = null
    this.focus = this.pointed = this.area = null
    this.starts = new Set()
    this.asked = new Set() // samples of the walk that is drawn, if the reader asked for that one
    this.painter = new Painter(this)
    this.highlight = new Highlight(this)
    this.pointing = new Pointing(this)
    this.gestures = new Gestures(this.find(".over"), this.pointing)
    this.texts = new Texts(this)
    this.search = new Search(this)
    this.table = new Table(this)
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
    addZooms(this.find(".zooms"), (factor) => {
      if (this.ready) factor ? this.gestures.zoomBy(factor) : this.pointing.reset()
    })
    const acts = {
      alone: () => this.highlight.isolate(!this.highlight.alone),
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
    this.pointing.close()
    this.stopListening()
  }

  get ready() {
    return this.places !== null && this.colouring !== null
  }

  // All that is drawn, for the functions that draw a part of it.
  shown() {
    const { plane, dpr, font, ink, paper, accent, colouring, places, walk, focus } = this
    const { width, height } = plane
    const { only } = this.highlight
    const basket = this.basket !== null
    const hides = (sample) => this.highlight.hides(sample)
    return { plane, width, height, dpr, font, ink, paper, accent, colouring, places, walk, only, focus, basket, hides }
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
    this.memory.order = null // another map goes where the URL says
    this.find("#map-about").textContent = part.about
    for (const kind of ["colours", "walk", "marks", "matches", "rows"]) this.receive(kind)
    this.painter.change("dots")
  }

  receiveColours(part) {
    if (this.colouring && part.scheme !== this.colouring.part.scheme) this.highlight.forget()
    this.colouring = new Colouring(part, this.paper)
    this.highlight.recolour()
  }

  receiveWalk(part) {
    this.walk = part.sample.length ? part : null
    this.starts = this.walk ? startsOf(part) : new Set()
    this.asked = new Set(part.asked ? part.sample : [])
    this.highlight.draw()
    this.painter.change("marks")
  }

  receiveMarks(part) {
    const another = part.bitsId !== this.basketId
    this.basket = part.bits.length ? part.bits : null
    this.basketId = part.bitsId
    this.counted = part.counted
    this.area = null
    if (this.memory.order !== part.order) {
      this.memory.order = part.order
      this.focus = part.focus
      if (part.view) {
        const [x, y, zoom] = part.view
        this.plane.view = this.memory.views[this.key] = { x, y, zoom }
        this.painter.change("dots")
      }
      this.highlight.order(part)
    } else {
      this.focus ??= part.focus
    }
    this.highlight.draw()
    this.painter.change(another ? "dots" : "marks")
  }

  receiveMatches(part) {
    const another = part.id !== this.search.part?.id
    this.search.receive(part)
    if (!another) return
    if (this.highlight.alone) {
      this.highlight.fit()
      this.highlight.draw()
    }
    this.painter.change("dots")
  }

  readTheme() {
    Object.assign(this, readTheme(this.root))
    if (this.colouring) this.colouring = new Colouring(this.colouring.part, this.paper)
    this.highlight.recolour()
  }

  resize() {
    this.dpr = this.plane.fill(this.stage, this.dots.canvas, this.pen.canvas)
    this.painter.change("dots")
  }
}
