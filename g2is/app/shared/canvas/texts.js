// The texts of samples: shown beside the pointer and said to screen readers. They are fetched for where the reader is,
// with those around, so that the next one is often here already.

import { element, number } from "../dom.js"

const HOVER_MS = 110 // Python is asked for a text after the pointer rests this long
const AROUND_PX = 60 // texts this near are asked for with it,
const MANY = 20000 // or nearer where there are more samples than this
const AROUND_MANY_PX = 16

// map: a MapView, of which it reads what is shown, pointed at and in focus.
export class Texts {
  constructor(map) {
    this.map = map
    this.known = new Map()
  }

  close() {
    clearTimeout(this.waiting)
  }

  receive(texts) {
    for (const [sample, text] of Object.entries(texts)) this.known.set(Number(sample), text)
    this.drawTip()
    this.announce()
  }

  askSoon(sample) {
    clearTimeout(this.waiting)
    if (sample !== null) this.waiting = setTimeout(() => this.ask(sample), HOVER_MS)
  }

  ask(sample) {
    const { places, plane, channel, key } = this.map
    if (this.known.has(sample) || !channel.events.ask) return
    const reach = (places.x.length > MANY ? AROUND_MANY_PX : AROUND_PX) / plane.scale
    const most = channel.parts.texts.most - 1
    const around = places.around(places.at(sample), reach, most, (other) => !this.known.has(other))
    channel.raise("ask", { map: key, samples: [...new Set([sample, ...around])] })
  }

  title(sample) {
    return sample < 0 ? `Validation example ${number(-1 - sample)}` : `Instruction ${number(sample)}`
  }

  value(sample) {
    return sample < 0 ? "what the model should learn" : this.map.colouring.valueOf(sample)
  }

  drawTip() {
    const { pointed, places, plane, ready, find } = this.map
    const tip = find(".tip")
    tip.hidden = pointed === null || !ready || !places.has(pointed)
    if (tip.hidden) return
    const text = element("span", "said", this.known.get(pointed) ?? "…")
    text.dir = "auto"
    tip.replaceChildren(
      element("b", "", this.title(pointed)),
      text,
      element("span", "value", this.value(pointed)),
    )
    const [left, top] = plane.place(...places.at(pointed))
    tip.style.left = `${Math.max(4, Math.min(left + 14, plane.width - tip.offsetWidth - 4))}px`
    tip.style.top = top > plane.height / 2 ? `${Math.max(4, top - tip.offsetHeight - 14)}px` : `${top + 16}px`
  }

  // To a screen reader: the sample in focus, or another text.
  announce(text) {
    const { focus, ready, find } = this.map
    if (text === undefined && (focus === null || !ready)) return
    find(".status").textContent =
      text ?? `${this.title(focus)}. ${this.value(focus)}. ${this.known.get(focus) ?? ""}`
  }
}
