// The neighbourhoods in a part, as `graphs_part` in Python packs them.
//
// A node has a key that it keeps in every graph: the row of an instruction, -1 and down for validation examples, and
// "direction 3" for a target direction.

import { number } from "../dom.js"

// By the instruction in focus; null for one without a gradient. Nodes are { key, row, relation, cosine, x, y }, edges
// { from, to, kind, strength } with two nodes each, the faint ones first.
export function readGraphs(part) {
  const graphs = new Map(part.missing.map((focus) => [focus, null]))
  let [node, edge] = [0, 0]
  for (const { focus, nodes: count, edges: links, total } of part.graphs) {
    const nodes = Array.from({ length: count }, (_, place) => nodeOf(part, node + place))
    const edges = Array.from({ length: links }, (_, place) => ({
      from: nodes[part.source[edge + place]],
      to: nodes[part.target[edge + place]],
      kind: part.kinds[part.edge[edge + place]],
      strength: part.strength[edge + place] / 255,
    }))
    graphs.set(focus, { focus, nodes, edges, total, byKey: new Map(nodes.map((one) => [one.key, one])) })
    node += count
    edge += links
  }
  return graphs
}

export function keyOf(kind, row) {
  return kind === "component" ? `direction ${row}` : kind === "validation" ? -1 - row : row
}

// What is written at a node.
export function labelOf(key) {
  if (typeof key === "string") return key[0].toUpperCase() + key.slice(1)
  return key < 0 ? `Example ${number(-1 - key)}` : `#${number(key)}`
}

function nodeOf(part, place) {
  const row = part.row[place]
  const relation = part.relations[part.relation[place]]
  const key = keyOf(relation, row)
  return { key, row, relation, cosine: part.cosine[place], x: part.x[place], y: part.y[place] }
}
