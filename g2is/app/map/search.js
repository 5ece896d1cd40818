// The search above the map: what it finds is highlighted, and the arrows beside it go from one to the next.

import { number } from "../shared/dom.js"

const TYPING_MS = 350 // Python searches after this long without a key

// map: a MapView, of which it uses channel, focus and open.
export class Search {
  constructor(map) {
    this.map = map
    this.part = null
    this.field = map.find(".find")
    this.field.oninput = () => {
      clearTimeout(this.waiting)
      this.waiting = setTimeout(() => this.ask(), TYPING_MS)
    }
    this.field.onkeydown = (event) => {
      if (event.key !== "Enter") return
      event.preventDefault()
      if (this.part?.words === this.field.value.trim()) this.go(event.shiftKey ? -1 : 1)
      else this.ask({ thenGo: true })
    }
  }

  close() {
    clearTimeout(this.waiting)
  }

  focusField() {
    this.field.focus()
    this.field.select()
  }

  ask({ thenGo = false } = {}) {
    clearTimeout(this.waiting)
    this.going = thenGo
    this.map.channel.raise("find", this.field.value.trim())
  }

  // Of Python: `bits`, a bit a sample, if there is anything to search or filter for.
  receive(part) {
    this.part = part
    this.samples = null
    const { field } = this
    if (field.getRootNode().activeElement !== field) field.value = part.words
    const { find } = this.map
    find(".found").textContent = part.on ? `${number(part.count)} found` : ""
    for (const button of this.map.root.querySelectorAll("[data-go]")) button.disabled = !part.count
    if (this.going && part.words === field.value.trim()) this.go(1)
    this.going = false
  }

  // The bits of what is found; null where nothing is searched for.
  get bits() {
    return this.part?.on ? this.part.bits : null
  }

  // To the next sample found, or to the one before; round the ends.
  go(ahead) {
    if (!this.part?.count) return
    const samples = (this.samples ??= samplesOf(this.part.bits))
    const { focus } = this.map
    const after = samples.findIndex((sample) => sample > (focus ?? -1))
    const next = after < 0 ? samples.length : after
    const here = samples[next - 1] === focus ? next - 1 : null
    const place = ahead > 0 ? next : (here ?? next) - 1
    this.map.pointing.open(samples[(place + samples.length) % samples.length])
  }
}

function samplesOf(bits) {
  const samples = []
  for (let sample = 0; sample < 8 * bits.length; sample++) if ((bits[sample >> 3] >> (sample & 7)) & 1) samples.push(sample)
  return samples
}
