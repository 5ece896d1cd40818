// The neighbourhood of the instruction that is shown, in place of the map: taken nodes ringed, the edge just walked bold.

import { decimals, number } from "../../shared/dom.js"
import { keyOf, labelOf } from "../../shared/graph/graphs.js"
import { graphLegend } from "../../shared/graph/legend.js"
import { relationOf } from "../../shared/graph/marks.js"
import { GraphView } from "../../shared/graph/view.js"

export class WalkGraph {
  constructor(screen) {
    this.screen = screen
    this.view = new GraphView(screen.find(".stage[data-stage=graph]"), this)
  }

  close() {
    this.view.close()
  }

  get gestures() {
    return this.view.gestures
  }

  reset() {
    this.view.reset()
  }

  readTheme() {
    this.view.readTheme()
    const directions = this.screen.walk.part?.directions
    const names = ["focus", "aligned", "conflict", "validation", ...(directions ? ["component"] : []), "taken", "walked"]
    this.screen.find(".marks[data-stage=graph]").replaceChildren(...graphLegend(names, this.view.theme))
  }

  draw() {
    const { walk, step, shown, asked, hovered, compared } = this.screen
    const graph = walk.graphs.get(shown)
    const walked = asked === null ? this.walked(graph) : null
    const taken = ({ key }) => {
      const at = walk.stepOf(key)
      return at >= 0 && at <= step
    }
    const label = ({ key, relation }) => (relation === "focus" || walked?.includes(key) ? labelOf(key) : "")
    const message =
      graph === null
        ? `#${number(shown)} has no gradient, so it has no neighbours.`
        : `The neighbourhood of #${number(shown)} is on its way …`
    this.view.show(graph ?? null, { ringed: taken, label, walked, hovered, chosen: compared?.key }, message)
  }

  // The keys of the edge that the step walked: from the instruction before, or from what the step was for.
  walked(graph) {
    const { walk, step } = this.screen
    const here = walk.sample(step)
    if (walk.origin(step) === "neighbor") return [walk.part.came_from[step], here]
    const component = walk.part.component[step]
    if (!graph || component < 0) return null
    const direction = keyOf("component", component)
    return [graph.byKey.has(direction) ? direction : keyOf("validation", walk.example(step)), here]
  }

  // What GraphView asks of its owner

  hover(key) {
    this.screen.hover(key)
  }

  open(node) {
    const { screen } = this
    if (node.relation === "validation" || node.relation === "component") screen.reading.compare(node)
    else screen.reading.focusOn(node.row)
  }

  escape() {
    this.screen.reading.back()
  }

  describe({ key, row, relation, cosine }) {
    const { walk } = this.screen
    const step = walk.stepOf(key)
    const name = step < 0 ? labelOf(key) : `${labelOf(key)}, step ${number(step + 1)}`
    const what = relation === "focus" ? relationOf(relation) : `${relationOf(relation)}, cosine ${decimals(cosine)}`
    const example = relation === "component" ? walk.part.examples[row] : row
    const isInstruction = key === row
    const text = isInstruction ? walk.lines.get(row) : walk.examples.get(example)?.prompt.slice(0, 160)
    return { name, what, text: text ?? "" }
  }

  // Keys

  next(by) {
    this.view.next(by)
    const node = this.view.graph?.byKey.get(this.screen.hovered)
    if (!node) return
    const { name, what, text } = this.describe(node)
    this.screen.say(`${name}. ${what}. ${text}`)
  }

  enter() {
    return this.view.enter()
  }
}
