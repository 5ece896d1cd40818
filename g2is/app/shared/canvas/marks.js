// What lies above the dots: names, the walk, validation examples, the focus, an area that is being drawn.

import SYMBOLS from "../../../figures/symbols.json"
import { outline } from "./shapes.js"

const MOST_RINGS = 1500 // with more steps in sight the walk is a line alone
const MANY_STEPS = 300 // with more in sight it is drawn fainter, and without numbers
const CROWD = 40 // more stars than this are drawn small
const STARTS = ["anchor", "pin"]
const FRAMES = ["anchor", "fallback", "neighbor"]

// pen: a Pen that has begun. plane: a Plane. radius: of a dot. places: a Places. walk: the part of that kind, or none.
// names: [text, [x, y]] each. hover, focus: samples or null. area: corners in the plane, or null. rampOf: the CSS colour
// of a step's sample where colours mean the order of the walk, otherwise none. hides(sample): whether it is not seen.
export function drawMarks(pen, { plane, radius, places, walk, names, hover, focus, area, rampOf, hides }) {
  const seen = (sample) => places.has(sample) && !hides(sample)
  const steps = walk ? stepsInSight(plane, places, walk, seen) : []
  const few = steps.length <= MANY_STEPS
  if (walk) drawPath(pen, plane, places, walk, { seen,  few, rampOf: steps.length <= MOST_RINGS ? rampOf : null })
  if (steps.length <= MOST_RINGS) drawTaken(pen, steps, radius)
  drawExamples(pen, plane, places, radius, hides)
  if (walk) drawBans(pen, plane, places, walk.bans.filter(seen), radius)
  const boxes = []
  pen.names(names.map(([text, at]) => [text, plane.place(...at)]), radius + 4, boxes)
  if (few) pen.numbers(steps.map(({ step, here }) => [step + 1, here]), radius + 3, boxes)
  if (hover !== null && seen(hover)) pen.ring(plane.place(...places.at(hover)), radius + 4, 1.5)
  if (focus !== null && seen(focus)) {
    pen.ring(plane.place(...places.at(focus)), radius + 6, 2.5)
    pen.ring(plane.place(...places.at(focus)), radius + 11, 1)
  }
  if (area?.length) pen.area(area.map((corner) => plane.place(...corner)))
}

// The samples that a walk was sent to by no other sample.
export function startsOf({ sample, origin, origins }) {
  return new Set([...sample].filter((_, step) => STARTS.includes(origins[origin[step]])))
}

function stepsInSight(plane, places, { sample, origin, origins }, seen) {
  const steps = []
  sample.forEach((taken, step) => {
    if (!seen(taken)) return
    const here = plane.place(...places.at(taken))
    if (plane.sees(here)) steps.push({ step, kind: origins[origin[step]], here })
  })
  return steps
}

function drawPath(pen, plane, places, { sample, origin, origins, came_from }, { seen, few, rampOf }) {
  const solid = new Path2D()
  const dashed = new Path2D()
  sample.forEach((taken, step) => {
    const from = came_from[step]
    if (from < 0 || !seen(taken) || !seen(from)) return
    const ends = [plane.place(...places.at(from)), plane.place(...places.at(taken))]
    const path = rampOf ? new Path2D() : origins[origin[step]] === "fallback" ? dashed : solid
    path.moveTo(...ends[0])
    path.lineTo(...ends[1])
    if (rampOf) pen.stroke(path, { colour: rampOf(taken) ?? pen.ink, width: few ? 2.5 : 1.5, alpha: 0.9 })
  })
  for (const [colour, width, alpha] of [[pen.paper, 3, 0.55], [pen.ink, 1.2, few ? 0.7 : 0.35]]) {
    pen.stroke(solid, { colour, width, alpha })
    pen.stroke(dashed, { colour, width, alpha: 0.75 * alpha, dash: [2, 5] })
  }
}

// Outlines, through which the dots are seen. One path a kind, because outlines drawn one by one add up where they cross.
function drawTaken(pen, steps, radius) {
  for (const kind of FRAMES) {
    const { shape, colour } = SYMBOLS[kind]
    const one = outline(shape, radius + (kind === "neighbor" ? 2 : 3.5))
    const all = new Path2D()
    for (const step of steps) if (step.kind === kind) all.addPath(one, { e: step.here[0], f: step.here[1] })
    pen.stroke(all, { colour: pen.paper, width: 3.6, alpha: 0.8 })
    pen.stroke(all, { colour, width: 2 })
  }
  const { shape, colour } = SYMBOLS.pin
  for (const { kind, here } of steps) {
    if (kind === "pin") pen.shape(shape, [here[0] + radius + 3, here[1] - radius - 4], 5, colour, pen.ink, 0.8)
  }
}

function drawExamples(pen, plane, places, radius, hides) {
  const examples = places.examples().filter((example) => !hides(example))
  const stars = examples.map((example) => plane.place(...places.at(example))).filter((at) => plane.sees(at))
  const size = Math.min(6, (stars.length > CROWD ? 2 : 2.6) + 0.6 * radius)
  for (const star of stars) pen.shape(SYMBOLS.validation.shape, star, size, pen.ink, pen.paper)
}

function drawBans(pen, plane, places, bans, radius) {
  const all = new Path2D()
  const one = outline(SYMBOLS.ban.shape, radius + 3)
  for (const sample of bans) {
    const [e, f] = plane.place(...places.at(sample))
    all.addPath(one, { e, f })
  }
  pen.stroke(all, { colour: pen.paper, width: 4 })
  pen.stroke(all, { width: 1.6 })
}
