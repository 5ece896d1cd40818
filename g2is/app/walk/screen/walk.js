// What the screen knows of a walk: every step in numbers, and the texts of those that Python has sent so far.

import { readGraphs } from "../../shared/graph/graphs.js"

export class Walk {
  constructor() {
    this.forget()
    this.count = 0
  }

  forget() {
    this.steps = new Map() // described steps, by number
    this.texts = new Map() // of instructions, by row
    this.examples = new Map() // texts of validation examples, by row
    this.lines = new Map() // beginnings of texts, by row
    this.graphs = new Map() // neighbourhoods, by the instruction in focus; null for one without a gradient
    this.answers = new Map() // why an instruction is taken or not, by row
  }

  receive(part) {
    if (part.walk !== this.part?.walk) this.forget()
    this.part = part
    this.count = part.sample.length
    this.order = new Map([...part.sample].map((sample, step) => [sample, step]))
  }

  receiveWindow(part) {
    if (part.walk !== this.part?.walk) return
    part.steps.forEach((step, place) => this.steps.set(part.start + place, step))
    this.receiveTexts(part)
  }

  receiveGraphs(part) {
    if (part.walk !== this.part?.walk) return
    for (const [focus, graph] of readGraphs(part)) this.graphs.set(focus, graph)
    this.receiveTexts(part)
  }

  receiveTexts({ texts = {}, examples = {}, lines = {} }) {
    const known = [[this.texts, texts], [this.examples, examples], [this.lines, lines]]
    for (const [map, sent] of known) {
      for (const [row, text] of Object.entries(sent)) {
        // What was sent whole stays so when it is sent shortened again.
        if (!text.all || !map.has(Number(row))) map.set(Number(row), text)
      }
    }
  }

  // A step as Python described it, or nothing where it has not yet.
  at(step) {
    return this.steps.get(step)
  }

  sample(step) {
    return this.part.sample[step]
  }

  origin(step) {
    return this.part.origins[this.part.origin[step]]
  }

  // The validation example that a step was for; null for a pin.
  example(step) {
    const component = this.part.component[step]
    return component < 0 ? null : this.part.examples[component]
  }

  stepOf(sample) {
    return this.order.get(sample) ?? -1
  }

  firstFor(example) {
    return this.part.component.findIndex((component) => component >= 0 && this.part.examples[component] === example)
  }
}
