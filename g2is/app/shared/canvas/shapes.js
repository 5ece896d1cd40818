// Markers: each draws an outline of about the same area around (0, 0) into a context or a Path2D.

export const SHAPES = {
  circle: (c, r) => c.arc(0, 0, r, 0, 7),
  square: (c, r) => c.rect(-0.86 * r, -0.86 * r, 1.72 * r, 1.72 * r),
  diamond: (c, r) => polygon(c, 4, 1.22 * r),
  triangle: (c, r) => polygon(c, 3, 1.3 * r, 0.15 * r),
  cross: (c, r) => star(c, 4, 1.3 * r, 0.45 * r, Math.PI / 4),
  x: (c, r) => star(c, 4, 1.3 * r, 0.45 * r, 0),
  star: (c, r) => star(c, 5, 1.35 * r, 0.6 * r, 0),
  hexagon: (c, r) => polygon(c, 6, 1.08 * r),
}

export function outline(shape, radius) {
  const path = new Path2D()
  SHAPES[shape](path, radius)
  return path
}

function polygon(c, corners, radius, down = 0) {
  for (let corner = 0; corner < corners; corner++) {
    const angle = (2 * Math.PI * corner) / corners
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
