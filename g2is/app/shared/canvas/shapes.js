// Markers: each draws an outline of about the same area around (0, 0) into a context or a Path2D. The first eight are
// shapes of dots, the others are marks with a meaning, see g2is/figures/symbols.json.

export const SHAPES = {
  circle: (c, r) => c.arc(0, 0, r, 0, 7),
  square: (c, r) => c.rect(-0.86 * r, -0.86 * r, 1.72 * r, 1.72 * r),
  wedge: (c, r) => polygon(c, 3, 1.3 * r, -0.15 * r, Math.PI),
  left: (c, r) => polygon(c, 3, 1.3 * r, 0, -Math.PI / 2),
  right: (c, r) => polygon(c, 3, 1.3 * r, 0, Math.PI / 2),
  plus: (c, r) => star(c, 4, 1.3 * r, 0.45 * r, 0),
  bar: (c, r) => c.rect(-1.3 * r, -0.55 * r, 2.6 * r, 1.1 * r),
  post: (c, r) => c.rect(-0.55 * r, -1.3 * r, 1.1 * r, 2.6 * r),
  diamond: (c, r) => polygon(c, 4, 1.22 * r),
  triangle: (c, r) => polygon(c, 3, 1.3 * r, 0.15 * r),
  star: (c, r) => star(c, 5, 1.35 * r, 0.6 * r, 0),
  hexagon: (c, r) => polygon(c, 6, 1.08 * r),
  bowtie: (c, r) => trace(c, [[-1.2, -0.9], [1.2, 0.9], [1.2, -0.9], [-1.2, 0.9]], r),
  flag: (c, r) => trace(c, [[-0.8, 1.4], [-0.8, -1.3], [1.2, -0.5], [-0.4, 0.3], [-0.4, 1.4]], r),
  // Outlines around a dot.
  frame: (c, r) => c.rect(-1.2 * r, -1.2 * r, 2.4 * r, 2.4 * r),
  corners: (c, r) => {
    for (const [x, y] of [[-r, -r], [r, -r], [r, r], [-r, r]]) {
      line(c, [1.1 * x, 0.4 * y], [1.1 * x, 1.1 * y])
      c.lineTo(0.4 * x, 1.1 * y)
    }
  },
  target: (c, r) => {
    c.arc(0, 0, 1.35 * r, 0, 7)
    c.moveTo(0.7 * r, 0)
    c.arc(0, 0, 0.7 * r, 0, 7)
  },
  slashed: (c, r) => {
    c.arc(0, 0, 1.2 * r, 0, 7)
    line(c, [0.85 * r, -0.85 * r], [-0.85 * r, 0.85 * r])
  },
  crossed: (c, r) => {
    line(c, [-r, -r], [r, r])
    line(c, [r, -r], [-r, r])
  },
}

export function outline(shape, radius) {
  const path = new Path2D()
  SHAPES[shape](path, radius)
  return path
}

function line(c, from, to) {
  c.moveTo(...from)
  c.lineTo(...to)
}

function trace(c, corners, radius) {
  for (const [right, down] of corners) c.lineTo(radius * right, radius * down)
  c.closePath()
}

function polygon(c, corners, radius, down = 0, turn = 0) {
  for (let corner = 0; corner < corners; corner++) {
    const angle = turn + (2 * Math.PI * corner) / corners
    c.lineTo(radius * Math.sin(angle), down - radius * Math.cos(angle))
  }
  c.closePath()
}

function star(c, points, outer, inner, turn) {
  for (let corner = 0; corner < 2 * points; corner++) {
    const radius = corner % 2 ? inner : outer
    const angle = turn + (Math.PI * corner) / points
    c.lineTo(radius * Math.sin(angle), -radius * Math.cos(angle))
  }
  c.closePath()
}
