// What lies above the dots: names, the walk, validation examples, the focus, an area that is being drawn.

import { outline } from "./shapes.js"
import { ORIGINS } from "../origins.js"

const MOST_RINGS = 1500 // with more steps in sight the walk is a line alone
const MANY_STEPS = 300 // with more in sight it is drawn fainter
const CROWD = 40 // more stars or anchors than this are drawn small
const STARTS = ["anchor", "pin"]

// pen: a Pen that has begun. plane: a Plane. radius: of a dot. places: a Places. walk: the part of that kind, or none. names: [text, [x, y]] each.
// hover, focus: samples or null. area: corners in the plane, or null. colourOf: the CSS colour of a sample, or null for
// one that is pale.
export function drawMarks(pen, { plane, radius, places, walk, names, hover, focus, area, colourOf }) {
  const steps = walk ? stepsInSight(plane, places, walk) : []
  if (walk) drawPath(pen, plane, places, walk, steps.length > MANY_STEPS)
  if (steps.length <= MOST_RINGS) drawRings(pen, steps, radius)
  drawExamples(pen, plane, places, radius)
  drawStarts(pen, steps, radius, colourOf)
  pen.names(names.map(([text, at]) => [text, plane.place(...at)]), radius + 4)
  if (hover !== null) pen.ring(plane.place(...places.at(hover)), radius + 4, 1.5)
  if (focus !== null && places.has(focus)) {
    pen.ring(plane.place(...places.at(focus)), radius + 6, 2.5)
    pen.ring(plane.place(...places.at(focus)), radius + 11, 1)
  }
  if (area?.length) pen.area(area.map((corner) => plane.place(...corner)))
}

// The samples that a walk was sent to by no other sample.
export function startsOf({ sample, origin, origins }) {
  return new Set([...sample].filter((_, step) => STARTS.includes(origins[origin[step]])))
}

// [origin, place on the screen, sample] of each.
function stepsInSight(plane, places, { sample, origin, origins }) {
  const steps = []
  sample.forEach((taken, step) => {
    if (!places.has(taken)) return
    const here = plane.place(...places.at(taken))
    if (plane.sees(here)) steps.push([origins[origin[step]], here, taken])
  })
  return steps
}

function drawPath(pen, plane, places, { sample, origin, origins, came_from }, many) {
  const solid = new Path2D()
  const dashed = new Path2D()
  sample.forEach((taken, step) => {
    const from = came_from[step]
    if (from < 0 || !places.has(taken) || !places.has(from)) return
    const path = origins[origin[step]] === "fallback" ? dashed : solid
    path.moveTo(...plane.place(...places.at(from)))
    path.lineTo(...plane.place(...places.at(taken)))
  })
  for (const [colour, width, alpha] of [[pen.paper, 3, 0.55], [pen.ink, 1.2, many ? 0.35 : 0.7]]) {
    pen.stroke(solid, { colour, width, alpha })
    pen.stroke(dashed, { colour, width, alpha: 0.75 * alpha, dash: [2, 5] })
  }
}

function drawRings(pen, steps, radius) {
  // One path, because rings drawn one by one add up where they cross.
  const rings = new Path2D()
  const ring = { neighbor: outline("circle", radius + 1.5), fallback: outline("triangle", radius + 2.5) }
  for (const [kind, [left, top]] of steps) if (ring[kind]) rings.addPath(ring[kind], { e: left, f: top })
  // A line of one pixel or less would be drawn piece by piece, with the same effect.
  pen.stroke(rings, { width: 1.3, alpha: radius >= 3 ? 0.9 : steps.length > MANY_STEPS ? 0.4 : 0.6 })
}

function drawExamples(pen, plane, places, radius) {
  const stars = places.examples().map((example) => plane.place(...places.at(example))).filter((at) => plane.sees(at))
  const size = Math.min(6, (stars.length > CROWD ? 2 : 2.6) + 0.6 * radius)
  for (const star of stars) pen.shape("star", star, size, pen.ink, pen.paper)
}

// In the colours of their dots, and above the stars: an anchor lies next to what stars stand for.
function drawStarts(pen, steps, radius, colourOf) {
  const starts = steps.filter(([kind]) => STARTS.includes(kind))
  const size = radius + (starts.length > CROWD ? 2 : 3)
  for (const [kind, at, sample] of starts) {
    pen.framed(ORIGINS[kind].shape, at, size, colourOf(sample), ORIGINS[kind].colour)
  }
}
