// The walk above the dots: its path up to a step, faint after it, and what the step considered.

import { number } from "../../shared/dom.js"
import { ORIGINS } from "../../shared/origins.js"

const CHANGES = 60 // instructions added, or removed, that are marked
const REJECTED = ["conflict", "consistency", "redundant", "taken", "left_out"]
const RULES = { conflict: "conflict", consistency: "consistency", redundant: "too similar" }

// trail, key: a Trail, and the key of what it draws. fillOf: the CSS colour of an instruction, or null where dots have none.
export function drawWalk(pen, { plane, places, walk, trail, key, step, asked, hovered, radius, fillOf }) {
  const at = (row) => plane.place(...places.at(row))
  drawStars(pen, at, places, radius)
  trail.draw(pen, { key, at, places, walk, step, radius, fillOf })
  drawChange(pen, at, places, walk, radius)
  drawConsidered(pen, at, places, walk, step, radius)
  drawEdge(pen, at, places, walk, step)
  drawHere(pen, at, places, walk, step, radius, fillOf)
  for (const [row, width] of [[hovered, 1.5], [asked, 2.5]]) {
    if (row !== null && places.has(row)) pen.ring(at(row), radius + 6, width)
  }
}

function drawStars(pen, at, places, radius) {
  pen.context.globalAlpha = 0.45
  for (const example of places.examples()) pen.shape("star", at(example), 2 + 0.5 * radius, pen.ink, pen.paper)
  pen.context.globalAlpha = 1
}

function drawChange(pen, at, places, walk, radius) {
  const c = pen.context
  c.font = `700 15px ${pen.font}`
  c.textAlign = "center"
  c.textBaseline = "middle"
  for (const [sign, rows] of [["+", walk.part.added], ["−", walk.part.removed]]) {
    for (const row of rows.slice(0, CHANGES)) {
      if (!places.has(row)) continue
      const [left, top] = at(row)
      pen.text(sign, left + radius + 5, top - radius - 4)
    }
  }
}

function drawConsidered(pen, at, places, walk, step, radius) {
  const c = pen.context
  const considered = walk.at(step)?.considered ?? []
  let next = 1
  for (const { sample, verdict } of considered) {
    if (!places.has(sample)) continue
    const [left, top] = at(sample)
    if (REJECTED.includes(verdict)) {
      const size = radius + 3
      const cross = new Path2D()
      cross.moveTo(left - size, top - size)
      cross.lineTo(left + size, top + size)
      cross.moveTo(left + size, top - size)
      cross.lineTo(left - size, top + size)
      pen.stroke(cross, { colour: pen.paper, width: 5 })
      pen.stroke(cross, { width: 2 })
      c.font = `600 11px ${pen.font}`
      c.textAlign = "left"
      if (RULES[verdict]) pen.text(RULES[verdict], left + size + 3, top)
    } else if (verdict === "next") {
      pen.ring([left, top], radius + 3, 1.2)
      c.font = `600 11px ${pen.font}`
      c.textAlign = "left"
      c.textBaseline = "middle"
      pen.text(String(++next), left + radius + 6, top)
    }
  }
}

// Where the step came from: the instruction before, or the example asked for.
function drawEdge(pen, at, places, walk, step) {
  const here = walk.sample(step)
  const from = walk.part.came_from[step]
  const example = walk.example(step)
  const star = example === null ? null : -1 - example
  const lines = [[from >= 0 ? from : null, []], [star, [2, 5]]]
  for (const [start, dash] of lines) {
    if (start === null || !places.has(start) || !places.has(here)) continue
    const edge = new Path2D()
    edge.moveTo(...at(start))
    edge.lineTo(...at(here))
    pen.stroke(edge, { colour: pen.paper, width: 6, alpha: 0.8 })
    pen.stroke(edge, { width: dash.length ? 2 : 3, dash })
  }
  if (star !== null && places.has(star)) pen.shape("star", at(star), 9, pen.accent, pen.paper, 2)
}

function drawHere(pen, at, places, walk, step, radius, fillOf) {
  const here = walk.sample(step)
  if (!places.has(here)) return
  const { shape, colour } = ORIGINS[walk.origin(step)]
  pen.framed(shape, at(here), radius + 5, fillOf(here) ?? colour, pen.ink)
  pen.names([[`#${number(here)}`, at(here)]], radius + 6)
}
