// How nodes and edges of a neighbourhood are marked: each relation by a shape, each kind of edge by a dash, and by a
// colour of Okabe and Ito's besides. Symbols that other pages have too are those of the common table.

import SYMBOLS from "../../../figures/symbols.json"

const [BLUE, SKY, GREY, YELLOW] = ["#0072b2", "#56b4e9", "#999999", "#f0e442"]
const { conflict, validation, component, leak } = SYMBOLS

const NODES = {
  focus: { shape: "circle", radius: 10, word: SYMBOLS.focus.name },
  aligned: { shape: "circle", radius: 6, word: "similar", edge: "aligned" },
  further: { shape: "circle", radius: 5, word: "two hops away", open: true },
  conflict: { shape: conflict.shape, radius: 6, word: conflict.name, edge: "conflict" },
  validation: { shape: validation.shape, radius: 7, word: validation.name, edge: "validation" },
  component: { shape: component.shape, radius: 8, word: component.name, edge: "affinity" },
}
const INSTRUCTIONS = ["focus", "aligned", "further", "conflict"]
const MARKS = { taken: "taken", walked: "edge just walked", path: "on the strongest path", leak: leak.name }
const DASHES = { aligned: [], conflict: [6, 4], validation: [2, 4], affinity: [7, 3, 2, 3] }

// A relation, or another mark of the legend, in words.
export function relationOf(name) {
  return NODES[name]?.word ?? MARKS[name]
}

// The colour of a relation or of a kind of edge.
function colourOf(name, { dark, ink, accent, grey }) {
  if (grey) return ink
  const blue = dark ? SKY : BLUE
  const colours = { aligned: blue, further: blue, conflict: conflict.colour }
  return name === "focus" ? accent : (colours[name] ?? ink)
}

// pen: a Pen that has begun. at: the place of a node on the screen. marks: what a page says of the nodes,
//   ringed(node), leaked(node): whether it is taken, or a possible leak
//   fill(node): a colour in place of that of the relation; edges are grey then
//   label(node): what is written above it, or nothing
//   walked: the keys of the edge just walked, or null; path: keys of nodes joined by a broad line, null for a gap
//   hovered, chosen: keys
export function drawGraph(pen, { graph, at, marks, dark }) {
  const filled = graph.nodes.map((node) => marks.fill?.(node))
  const grey = filled.some(Boolean)
  const theme = { dark, ink: pen.ink, accent: pen.accent, grey }
  drawPath(pen, graph, at, marks.path ?? [])
  for (const { from, to, kind, strength } of graph.edges) {
    const close = from.relation === "focus"
    pen.stroke(line(at(from), at(to)), {
      colour: grey ? GREY : colourOf(kind, theme),
      width: (0.5 + 3.5 * strength) * (close ? 1 : 0.6),
      alpha: close ? 0.8 : 0.2,
      dash: DASHES[kind],
    })
  }
  drawWalked(pen, graph, at, marks.walked)
  graph.nodes.forEach((node, place) => drawNode(pen, node, at(node), filled[place], theme))
  for (const node of graph.nodes) {
    const { radius } = NODES[node.relation]
    if (marks.ringed?.(node) && node.relation !== "focus") pen.ring(at(node), radius + 4, 2)
    if (marks.leaked?.(node)) pen.framed(leak.shape, at(node), radius + 5, null, leak.colour)
    if (node.key === marks.chosen) pen.framed("circle", at(node), radius + 7, null, pen.ink)
    if (node.key === marks.hovered) pen.framed("circle", at(node), radius + 8, null, pen.accent)
  }
  const names = graph.nodes.map((node) => [marks.label(node), at(node)]).filter(([name]) => name)
  pen.names(names, 14)
}

function line(from, to) {
  const path = new Path2D()
  path.moveTo(...from)
  path.lineTo(...to)
  return path
}

function drawWalked(pen, graph, at, walked) {
  const [from, to] = (walked ?? []).map((key) => graph.byKey.get(key))
  if (!from || !to) return
  pen.stroke(line(at(from), at(to)), { colour: pen.paper, width: 8 })
  pen.stroke(line(at(from), at(to)), { width: 4.5 })
}

function drawPath(pen, graph, at, path) {
  const nodes = path.map((key) => graph.byKey.get(key) ?? null)
  nodes.forEach((node, place) => {
    if (!node) return
    if (nodes[place + 1]) pen.stroke(line(at(node), at(nodes[place + 1])), { colour: YELLOW, width: 12 })
    pen.shape("circle", at(node), NODES[node.relation].radius + 7, YELLOW, YELLOW, 0.5)
  })
}

function drawNode(pen, { relation }, place, fill, theme) {
  const { shape, radius, open } = NODES[relation]
  const own = colourOf(relation, theme)
  // By another colouring, what is no instruction is an outline.
  const outlined = open || (theme.grey && !fill)
  if (outlined) pen.framed(shape, place, radius, pen.paper, fill ?? own)
  else pen.shape(shape, place, radius, fill ?? own, pen.paper, 1)
  if (relation === "focus") pen.ring(place, radius + 2, 2)
}

// A picture of an entry of the legend: its node on its edge.
export function drawSwatch(c, wide, high, name, theme) {
  const middle = [wide / 2, high / 2]
  const { shape, radius, open, edge } = NODES[name] ?? {}
  c.lineCap = "round"
  if (edge || name === "walked" || name === "path") {
    c.strokeStyle = name === "path" ? YELLOW : colourOf(edge, theme)
    c.lineWidth = { walked: 4, path: 9 }[name] ?? 2
    c.setLineDash(DASHES[edge] ?? [])
    c.stroke(line([2, high / 2], [wide - 2, high / 2]))
    c.setLineDash([])
  }
  if (name === "focus") {
    c.strokeStyle = theme.ink
    c.lineWidth = 1.8
    c.beginPath()
    c.arc(...middle, 7, 0, 7)
    c.stroke()
    return { shape, middle, radius: 4, colour: theme.accent }
  }
  if (shape) {
    const outlined = open || (theme.grey && !INSTRUCTIONS.includes(name))
    return { shape, middle, radius: Math.min(radius, 6), colour: colourOf(name, theme), open: outlined }
  }
  if (name === "taken") return { shape: "circle", middle, radius: 6, colour: theme.ink, open: true }
  if (name === "leak") return { shape: leak.shape, middle, radius: 6, colour: leak.colour, open: true }
  return null
}
