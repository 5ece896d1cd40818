// What pointer and keys do on the map. The view (zoom) is the browser's; of all that the reader does, only a polygon or a
// row number goes back to Python.

const REST_MS = 250 // Python is told of a sample after the reader rests on it this long,
const VIEW_MS = 700 // and of another view after this.
const STAR_PX = 7 // a click this near a star means it
const ROOM_PX = 24 // a sample in focus is this far from the edge

// What `Gestures` acts on. map: a MapView.
export class Pointing {
  constructor(map) {
    this.map = map
  }

  close() {
    clearTimeout(this.resting)
    clearTimeout(this.viewing)
  }

  // What is not seen is not pointed at; see `Highlight`.
  get hides() {
    return (sample) => this.map.highlight.hides(sample)
  }

  get plane() {
    return this.map.plane
  }

  reset() {
    if (!this.map.places) return
    clearTimeout(this.resting)
    Object.assign(this.plane.view, this.plane.whole())
    this.moved()
  }

  moved() {
    const { map, plane } = this
    if (!map.places) return
    map.painter.change("dots")
    map.texts.drawTip()
    clearTimeout(this.viewing)
    this.viewing = setTimeout(() => {
      const { x, y, zoom } = plane.view
      const view = plane.isWhole() ? null : [Math.round(x), Math.round(y), Number(zoom.toPrecision(4))]
      map.channel.raise("moved", { map: map.key, view })
    }, VIEW_MS)
  }

  nearest(place, reach) {
    const { places, starts, ready } = this.map
    if (!ready) return null
    const { scale } = this.plane
    return places.nearest(this.plane.unplace(...place), reach / scale, STAR_PX / scale, starts, this.hides)
  }

  hover(sample) {
    const { map } = this
    if (!map.ready || sample === map.pointed) return
    map.pointed = sample
    map.painter.change("marks")
    map.table.mark()
    map.texts.drawTip()
    map.texts.askSoon(sample)
  }

  // To the next sample in a direction; where none is in focus, to the one nearest to the middle of what is seen.
  step(direction) {
    const { ready, focus, places, starts } = this.map
    if (!ready) return
    if (focus !== null && places.has(focus)) {
      const next = places.ahead(focus, direction, this.hides)
      if (next !== null) this.open(next)
      return
    }
    const { view, extent } = this.plane
    const middle = places.nearest([view.x, view.y], 2 * Math.max(...extent), 0, starts, this.hides)
    if (middle !== null) this.open(middle)
  }

  open(sample) {
    const { map, plane } = this
    map.focus = map.root.dataset.focus = sample
    const [left, top] = plane.place(...map.places.at(sample))
    if (map.places.has(sample) && !plane.sees([left, top], -ROOM_PX)) {
      plane.pan(plane.width / 2 - left, plane.height / 2 - top)
      this.moved()
    }
    map.painter.change("marks")
    map.highlight.draw()
    map.table.mark()
    map.texts.ask(sample)
    map.texts.announce()
    clearTimeout(this.resting)
    this.resting = setTimeout(() => map.raise("focus", map.focus), REST_MS)
  }

  draw(area) {
    this.map.area = area
    this.map.painter.change("marks")
  }

  surround(polygon) {
    this.map.raise("drawn", { polygon, how: this.map.find(".how select").value })
  }

  clear() {
    const { map } = this
    clearTimeout(this.resting)
    map.focus = map.area = null
    map.root.dataset.focus = ""
    map.highlight.clear()
    map.table.mark()
    map.texts.announce("Cleared")
    map.raise("cleared", true)
  }

  modeChanged(mode) {
    for (const button of this.map.root.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-checked", String(button.dataset.mode === mode))
    }
  }
}
