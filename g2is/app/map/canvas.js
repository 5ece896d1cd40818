// The map itself. The view (zoom) is the browser's; of all the reader does only a polygon or a row number goes back.
// Samples are rows of the pool; validation samples count down from -1.

const REST_MS = 250 // Python hears of a sample after the reader rested on it this long,
const VIEW_MS = 700 // and of another view after this,
const HOVER_MS = 110 // and is asked for texts after this.
const ASK = 40 // texts asked for at once: those around the pointer
const FULL = 65534

const maps = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  let map = maps.get(parentElement)
  if (!map) {
    map = new MapView(parentElement.querySelector(".map"))
    maps.set(parentElement, map)
  }
  map.tell = (what, value) => setTriggerValue(what, value)
  map.themed()
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
    this.dots = new Dots(this.find(".dots"))
    this.marks = new Marks(this.find(".over"))
    this.hands = new Hands(this, this.find(".over"))
    this.board = globalThis.g2isMap ??= { parts: {}, show: null, ask: null, moved: null }
    this.board.views ??= {}
    this.board.order ??= null
    this.board.show = (kind) => this.show(kind)
    this.texts = new Map()
    this.asked = new Set()
    this.only = new Set()
    this.starts = new Set() // anchors and pins of the walk
    this.focus = this.hover = this.drawn = null
    this.changed = new Set()
    for (const button of root.querySelectorAll("[data-mode]")) {
      button.onclick = () => this.hands.setMode(button.dataset.mode)
    }
    const acts = { in: () => this.zoomBy(1.5), out: () => this.zoomBy(1 / 1.5), reset: () => this.reset() }
    acts.save = () => savePicture(this)
    for (const button of root.querySelectorAll("[data-act]")) button.onclick = acts[button.dataset.act]
    this.resized = new ResizeObserver(() => this.resize())
    this.resized.observe(this.stage)
    this.themed()
    this.resize()
    for (const kind of ["points", "colours", "walk", "marks"]) this.show(kind)
  }

  close() {
    this.resized.disconnect()
    this.closed = true
    for (const timer of [this.resting, this.viewing, this.hovering]) clearTimeout(timer)
    if (this.board.show) this.board.show = null
  }

  // What Python sent

  show(kind) {
    const { parts } = this.board
    const part = parts[kind]
    if (!part) return
    const key = parts.points?.map
    if (kind === "points" && key !== this.key) {
      this.key = key
      this.points = part
      this.view = this.board.views[key] ??= this.whole()
      this.hover = this.drawn = null
      this.only.clear()
      for (const other of ["colours", "walk", "marks"]) this.show(other)
      this.find("#map-about").textContent = part.about
    }
    if (kind === "texts") return this.learn(part)
    if (part.map !== this.key || !this.points) return
    let what = kind === "walk" ? "marks" : "dots"
    if (kind === "colours") {
      if (part.scheme !== this.colours?.scheme) this.only.clear()
      this.colours = part
      this.choosePalette()
    }
    if (kind === "walk") {
      this.walk = part
      const begins = (_, step) => ["anchor", "pin"].includes(part.origins[part.origin[step]])
      this.starts = new Set([...part.sample].filter(begins))
    }
    if (kind === "marks") {
      this.bits = part.bits?.length ? part.bits : null
      this.drawn = null
      what = part.bitsId === this.bitsOf ? "marks" : "dots"
      this.bitsOf = part.bitsId
      if (this.board.order !== part.order) {
        this.board.order = part.order
        this.focus = part.focus
        if (part.view) {
          this.view = this.board.views[this.key] = viewOf(part.view)
          what = "dots"
        }
      } else if (this.focus === null) this.focus = part.focus
    }
    if (this.colours && kind !== "marks") drawLegend(this)
    this.change(what)
  }

  learn(part) {
    for (const [sample, text] of Object.entries(part.texts)) this.texts.set(Number(sample), text)
    this.drawTip()
    this.say()
  }

  themed() {
    const style = getComputedStyle(this.root)
    const read = (name) => parse(style.getPropertyValue(name).trim())
    this.ink = read("--st-text-color")
    this.paper = read("--st-background-color")
    this.accent = style.getPropertyValue("--st-primary-color")
    this.font = style.getPropertyValue("--st-font") || "sans-serif"
    if (this.points && this.colours) {
      this.choosePalette()
      drawLegend(this)
    }
    this.change("dots")
  }

  choosePalette() {
    const dark = this.paper[0] + this.paper[1] + this.paper[2] < 384
    this.colours.palette = dark ? this.colours.dark : this.colours.light
  }

  resize() {
    this.width = Math.max(1, this.stage.clientWidth)
    this.height = Math.max(1, this.stage.clientHeight)
    this.dpr = Math.min(3, globalThis.devicePixelRatio || 1)
    for (const { canvas } of [this.dots, this.marks]) {
      canvas.width = Math.round(this.width * this.dpr)
      canvas.height = Math.round(this.height * this.dpr)
    }
    this.change("dots")
  }

  // The view: which part of the plane is seen

  whole() {
    const [wide, high] = this.points.extent
    return { x: wide / 2, y: high / 2, zoom: 1 }
  }

  get scale() {
    const [wide, high] = this.points.extent
    return this.view.zoom * Math.min((this.width - 40) / wide, (this.height - 40) / high)
  }

  get radius() {
    const room = Math.sqrt((0.13 * this.width * this.height) / (Math.PI * this.points.x.length))
    return Math.min(9, Math.max(0.9, Math.min(5.5, room)) * this.view.zoom ** 0.4)
  }

  place(x, y) {
    return [(x - this.view.x) * this.scale + this.width / 2, this.height / 2 - (y - this.view.y) * this.scale]
  }

  unplace(left, top) {
    return [(left - this.width / 2) / this.scale + this.view.x, (this.height / 2 - top) / this.scale + this.view.y]
  }

  at(sample) {
    const { x, y, vx, vy } = this.points
    return sample < 0 ? [vx[-1 - sample], vy[-1 - sample]] : [x[sample], y[sample]]
  }

  placeOf(sample) {
    return this.place(...this.at(sample))
  }

  placed(sample) {
    return (this.at(sample)[0] ?? NOWHERE) !== NOWHERE
  }

  sees([left, top]) {
    return left > -12 && top > -12 && left < this.width + 12 && top < this.height + 12
  }

  pan(right, down) {
    if (!this.points) return
    this.view.x -= right / this.scale
    this.view.y += down / this.scale
    this.viewed()
  }

  zoomBy(factor, [left, top] = [this.width / 2, this.height / 2]) {
    if (!this.points) return
    const [x, y] = this.unplace(left, top)
    this.view.zoom = Math.min(400, Math.max(0.5, this.view.zoom * factor))
    const [nowX, nowY] = this.unplace(left, top)
    this.view.x += x - nowX
    this.view.y += y - nowY
    this.viewed()
  }

  reset() {
    if (!this.points) return
    clearTimeout(this.resting)
    Object.assign(this.view, this.whole())
    this.viewed()
  }

  viewed() {
    this.change("dots")
    this.drawTip()
    clearTimeout(this.viewing)
    const { x, y, zoom } = this.view
    const whole = Object.entries(this.whole()).every(([name, value]) => this.view[name] === value)
    const view = whole ? null : [Math.round(x), Math.round(y), Number(zoom.toPrecision(4))]
    this.viewing = setTimeout(() => this.board.moved?.({ map: this.key, view }), VIEW_MS)
  }

  // The focus and the pointer

  nearest(left, top, reach) {
    if (!this.points) return null
    const [atX, atY] = this.unplace(left, top)
    const most = (reach / this.scale) ** 2
    let [found, least] = [null, most]
    const { x, y, vx, vy } = this.points
    for (let sample = 0; sample < x.length; sample++) {
      const away = (x[sample] - atX) ** 2 + (y[sample] - atY) ** 2
      if (away < least && x[sample] !== NOWHERE) [found, least] = [sample, away]
    }
    // Stars are larger and lie above dots; above them lie the anchors.
    if (!this.starts.has(found)) least = (7 / this.scale) ** 2
    for (let row = 0; row < vx.length; row++) {
      const away = (vx[row] - atX) ** 2 + (vy[row] - atY) ** 2
      if (away < least && vx[row] !== NOWHERE) [found, least] = [-1 - row, away]
    }
    return found
  }

  // The sample ahead: near, and not far off the direction.
  step([right, up]) {
    if (!this.points) return
    const { x, y } = this.points
    const here = this.focus === null ? null : this.at(this.focus)
    if (here === null || !this.placed(this.focus)) {
      const middle = this.nearestPlaced(this.width / 2, this.height / 2)
      return middle === null ? undefined : this.go(middle)
    }
    let [found, least] = [null, Infinity]
    for (let sample = 0; sample < x.length; sample++) {
      if (x[sample] === NOWHERE) continue
      const [awayX, awayY] = [x[sample] - here[0], y[sample] - here[1]]
      const ahead = awayX * right + awayY * up
      const aside = Math.abs(awayX * up) + Math.abs(awayY * right)
      if (ahead <= 0 || aside > ahead) continue
      const cost = ahead + 2 * aside
      if (cost < least) [found, least] = [sample, cost]
    }
    if (found !== null) this.go(found)
  }

  nearestPlaced(left, top) {
    for (let reach = 40; reach < 1e5; reach *= 3) {
      const found = this.nearest(left, top, reach)
      if (found !== null) return found
    }
    return null
  }

  go(sample) {
    this.focus = this.root.dataset.focus = sample
    const [left, top] = this.placeOf(sample)
    const edge = 24
    if (left < edge || top < edge || left > this.width - edge || top > this.height - edge) {
      this.pan(this.width / 2 - left, this.height / 2 - top)
    }
    this.change("marks")
    this.ask(sample, this.placeOf(sample))
    this.say()
    this.rest()
  }

  rest() {
    clearTimeout(this.resting)
    this.resting = setTimeout(() => this.tell("focus", this.focus), REST_MS)
  }

  surround(polygon) {
    this.tell("drawn", { polygon, how: this.find(".how select").value })
  }

  clear() {
    clearTimeout(this.resting)
    this.focus = this.drawn = null
    this.root.dataset.focus = ""
    this.only.clear()
    if (this.colours) drawLegend(this)
    this.change("dots")
    this.say("Cleared")
    this.tell("cleared", true)
  }

  point(here) {
    if (!this.points || !this.colours) return
    const found = here && this.nearest(...here, REACH_PX)
    if (found === this.hover) return
    this.hover = found
    this.change("marks")
    this.drawTip()
    clearTimeout(this.hovering)
    if (found !== null) this.hovering = setTimeout(() => this.ask(found, here), HOVER_MS)
  }

  // Texts are fetched for where the reader is, with those around it, so that the next is often here already.
  ask(sample, [left, top]) {
    if (this.texts.has(sample) || !this.board.ask) return
    const [atX, atY] = this.unplace(left, top)
    const { x, y } = this.points
    const reach = ((x.length > 20000 ? 16 : 60) / this.scale) ** 2
    const around = []
    for (let other = 0; other < x.length; other++) {
      const away = (x[other] - atX) ** 2 + (y[other] - atY) ** 2
      if (away < reach && x[other] !== NOWHERE && !this.texts.has(other)) around.push([away, other])
    }
    around.sort((one, other) => one[0] - other[0])
    const wanted = new Set([sample, ...around.slice(0, ASK - 1).map(([, other]) => other)])
    this.board.ask({ map: this.key, samples: [...wanted] })
  }

  valueOf(sample) {
    const code = sample < 0 ? NONE : this.colours.codes[sample]
    const { title, entries, low, high, log, whole, unit, none } = this.colours
    if (sample < 0) return "what the model should learn"
    if (code === NONE) return `${title}: ${none || "none"}`
    if (entries) return entries[code].name
    const share = code / 254
    const value = log ? low * (high / low) ** share : low + (high - low) * share
    const said = number(whole ? Math.round(value) : Number(value.toPrecision(3)))
    return `${title}: about ${said} ${unit}`
  }

  titleOf(sample) {
    return sample < 0 ? `Validation example ${number(-1 - sample)}` : `Sample ${number(sample)}`
  }

  drawTip() {
    const tip = this.find(".tip")
    tip.hidden = this.hover === null || !this.points
    if (tip.hidden) return
    const said = element("span", "said", this.texts.get(this.hover) ?? "…")
    said.dir = "auto"
    tip.replaceChildren(
      element("b", "", this.titleOf(this.hover)),
      said,
      element("span", "value", this.valueOf(this.hover)),
    )
    const [left, top] = this.placeOf(this.hover)
    const over = top > this.height / 2
    tip.style.left = `${Math.max(4, Math.min(left + 14, this.width - tip.offsetWidth - 4))}px`
    tip.style.top = over ? `${Math.max(4, top - tip.offsetHeight - 14)}px` : `${top + 16}px`
  }

  say(text) {
    const status = this.find(".status")
    if (text) status.textContent = text
    else if (this.focus !== null && this.points) {
      const words = this.texts.get(this.focus) ?? ""
      const value = this.colours ? this.valueOf(this.focus) : ""
      status.textContent = `${this.titleOf(this.focus)}. ${value}. ${words}`
    }
  }

  // Drawing, at most once a frame

  change(what) {
    if (!this.changed.size) requestAnimationFrame(() => this.draw())
    this.changed.add(what)
  }

  draw() {
    const dots = this.changed.has("dots")
    this.changed.clear()
    if (this.closed || !this.points || !this.colours) return
    const started = performance.now()
    if (dots) {
      const { dpr, scale } = this
      this.dots.draw({
        points: this.points,
        colours: this.colours,
        state: this.states(),
        project: [
          dpr * scale,
          dpr * (this.width / 2 - this.view.x * scale),
          -dpr * scale,
          dpr * (this.height / 2 + this.view.y * scale),
        ],
        radius: Math.round(4 * this.radius * dpr) / 4,
        ink: this.ink,
        paper: this.paper,
      })
    }
    this.marks.draw(this)
    // What tests and assistive scripts can read of a picture.
    const { dataset } = this.root
    dataset.drawn = this.key
    dataset.scheme = this.colours.scheme
    dataset.focus = this.focus ?? ""
    dataset.zoom = this.view.zoom.toFixed(3)
    dataset.selected = this.board.parts.marks?.counted ?? 0
    if (dots) dataset.paint = (performance.now() - started).toFixed(1)
  }

  // Which samples are drawn, and which of them grey; kept until colours, basket or legend change.
  states() {
    const { points, colours, bits, only } = this
    const key = [points.id, colours.id, this.board.parts.marks?.bitsId, ...only].join(" ")
    if (key === this.statesOf) return this.state
    this.statesOf = key
    this.state = new Uint8Array(points.x.length)
    for (let sample = 0; sample < this.state.length; sample++) {
      if (points.x[sample] === NOWHERE) continue
      const code = colours.codes[sample]
      const chosen = bits === null || (bits[sample >> 3] >> (sample & 7)) & 1
      this.state[sample] = chosen && code !== NONE && (!only.size || only.has(code)) ? SHOWN : PALE
    }
    return this.state
  }
}

function viewOf([x, y, zoom]) {
  return { x, y, zoom }
}

// Any colour of CSS as [red, green, blue].
function parse(colour) {
  const c = new OffscreenCanvas(1, 1).getContext("2d")
  c.fillStyle = colour
  c.fillRect(0, 0, 1, 1)
  return [...c.getImageData(0, 0, 1, 1).data.slice(0, 3)]
}
