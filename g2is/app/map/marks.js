// What lies above the dots: names of places, the walk, validation samples, the focus, what is being drawn.

const PIN = "#cc79a7"
const ANCHOR = "#e69f00"
const MOST_RINGS = 1500 // more steps than this in sight are a line alone
const MANY_STEPS = 300 // more than this in sight are drawn fainter
const CROWD = 40 // more stars or anchors than this are drawn small
const FONT = 13

class Marks {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext("2d")
  }

  // map: the MapView; its `place(x, y)` gives pixels of the screen.
  draw(map) {
    const c = this.context
    c.setTransform(map.dpr, 0, 0, map.dpr, 0, 0)
    c.clearRect(0, 0, map.width, map.height)
    this.ink = rgb(map.ink)
    this.paper = rgb(map.paper)
    const taken = map.walk?.sample.length ? this.drawWalk(map) : []
    this.drawValidation(map)
    this.drawStarts(map, taken)
    this.drawNames(map)
    if (map.hover !== null) this.ring(map.placeOf(map.hover), map.radius + 4, 1.5)
    if (map.focus !== null && map.placed(map.focus)) {
      this.ring(map.placeOf(map.focus), map.radius + 6, 2.5)
      this.ring(map.placeOf(map.focus), map.radius + 11, 1)
    }
    this.drawOutline(map)
  }

  shape(name, [left, top], radius, fill, stroke, width = 1.5) {
    const c = this.context
    c.save()
    c.translate(left, top)
    c.beginPath()
    SHAPES[name](c, radius)
    c.lineJoin = "round"
    if (stroke) {
      c.lineWidth = 2 * width
      c.strokeStyle = stroke
      c.stroke()
    }
    if (fill) {
      c.fillStyle = fill
      c.fill()
    }
    c.restore()
  }

  ring(place, radius, width) {
    const c = this.context
    for (const [colour, wide] of [[this.paper, width + 2.5], [this.ink, width]]) {
      c.beginPath()
      c.arc(...place, radius, 0, 7)
      c.lineWidth = wide
      c.strokeStyle = colour
      c.stroke()
    }
  }

  // The lines and rings; gives back the steps in sight, as [kind, place].
  drawWalk(map) {
    const c = this.context
    const { sample, origin, came_from, origins } = map.walk
    const solid = new Path2D()
    const dashed = new Path2D()
    const inSight = []
    for (let step = 0; step < sample.length; step++) {
      if (!map.placed(sample[step])) continue
      const here = map.placeOf(sample[step])
      const kind = origins[origin[step]]
      if (map.sees(here)) inSight.push([kind, here])
      if (came_from[step] < 0 || !map.placed(came_from[step])) continue
      const before = map.placeOf(came_from[step])
      const path = kind === "fallback" ? dashed : solid
      path.moveTo(...before)
      path.lineTo(...here)
    }
    const many = inSight.length > MANY_STEPS
    c.lineCap = "round"
    for (const [colour, width, alpha] of [[this.paper, 3, 0.55], [this.ink, 1.2, many ? 0.35 : 0.7]]) {
      c.strokeStyle = colour
      c.lineWidth = width
      c.globalAlpha = alpha
      c.setLineDash([])
      c.stroke(solid)
      c.globalAlpha = 0.75 * alpha
      c.setLineDash([2, 5])
      c.stroke(dashed)
    }
    c.setLineDash([])
    c.globalAlpha = 1
    if (inSight.length <= MOST_RINGS) {
      // One path, so that rings that cross let through what is beneath as a single one does.
      const rings = new Path2D()
      const circle = outline("circle", map.radius + 1.5)
      const triangle = outline("triangle", map.radius + 2.5)
      for (const [kind, [left, top]] of inSight) {
        if (kind === "neighbor") rings.addPath(circle, { e: left, f: top })
        if (kind === "fallback") rings.addPath(triangle, { e: left, f: top })
      }
      c.strokeStyle = this.ink
      c.lineWidth = 1.3 // a line of one pixel or less would be drawn piece by piece, and add up where it crosses
      c.globalAlpha = map.radius >= 3 ? 0.9 : many ? 0.4 : 0.6
      c.stroke(rings)
      c.globalAlpha = 1
    }
    return inSight
  }

  // Anchors and pins, above the stars: an anchor is the sample nearest to what the stars stand for.
  drawStarts(map, taken) {
    const anchors = taken.filter(([kind]) => kind === "anchor").length
    const size = Math.min(6, (anchors > CROWD ? 2 : 3.2) + 0.6 * map.radius)
    for (const [kind, here] of taken) {
      if (kind === "anchor") this.shape("diamond", here, size, ANCHOR, this.ink, 1.2)
      if (kind === "pin") this.shape("square", here, size, PIN, this.ink, 1.2)
    }
  }

  drawValidation(map) {
    const { vx, vy } = map.points
    const stars = []
    for (let row = 0; row < vx.length; row++) {
      const here = map.place(vx[row], vy[row])
      if (vx[row] !== NOWHERE && map.sees(here)) stars.push(here)
    }
    const size = Math.min(6, (stars.length > CROWD ? 2 : 2.6) + 0.6 * map.radius)
    for (const here of stars) this.shape("star", here, size, this.ink, this.paper, 1.2)
  }

  drawNames(map) {
    const c = this.context
    const taken = []
    c.font = `600 ${FONT}px ${map.font}`
    c.textAlign = "center"
    c.textBaseline = "middle"
    for (const { text, at } of map.colours?.names ?? []) {
      const lines = wrap(text, 24)
      // Above what it names, not on it.
      const [left, level] = map.place(...at)
      const top = level - map.radius - 4 - lines.length * FONT * 0.6
      const width = Math.max(...lines.map((line) => c.measureText(line).width)) + 8
      const height = lines.length * FONT * 1.15 + 4
      const box = [left - width / 2, top - height / 2, left + width / 2, top + height / 2]
      const outside = box[0] < 2 || box[1] < 2 || box[2] > map.width - 2 || box[3] > map.height - 2
      const covered = taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])
      if (outside || covered) continue
      taken.push(box)
      lines.forEach((line, place) => {
        const y = top + (place - (lines.length - 1) / 2) * FONT * 1.15
        c.lineWidth = 4
        c.lineJoin = "round"
        c.globalAlpha = 0.85
        c.strokeStyle = this.paper
        c.strokeText(line, left, y)
        c.globalAlpha = 1
        c.fillStyle = this.ink
        c.fillText(line, left, y)
      })
    }
  }

  drawOutline(map) {
    if (!map.drawn?.length) return
    const c = this.context
    c.beginPath()
    map.drawn.forEach(([x, y]) => c.lineTo(...map.place(x, y)))
    c.closePath()
    c.globalAlpha = 0.12
    c.fillStyle = map.accent
    c.fill()
    c.globalAlpha = 1
    c.lineWidth = 2
    c.setLineDash([6, 4])
    c.strokeStyle = map.accent
    c.stroke()
    c.setLineDash([])
  }
}

function outline(name, radius) {
  const path = new Path2D()
  SHAPES[name](path, radius)
  return path
}

function wrap(text, width) {
  const lines = [""]
  for (const word of text.split(" ")) {
    if (lines.at(-1) && (lines.at(-1) + " " + word).length > width) lines.push("")
    lines[lines.length - 1] = (lines.at(-1) + " " + word).trim()
  }
  return lines.slice(0, 3)
}

function rgb(colour) {
  return `rgb(${colour.join(",")})`
}
