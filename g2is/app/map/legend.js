// The legend: what colours, shapes and marks mean; a press on a category shows it alone.

function drawLegend(map) {
  const { colours } = map
  const legend = map.find(".legend")
  const parts = [element("span", "title", colours.title)]
  if (colours.entries) parts.push(...colours.entries.map((entry, code) => categoryOf(map, entry, code)))
  else parts.push(scaleOf(colours))
  parts.push(...nothingOf(map).map((mark) => markOf(map, ...mark)), element("span", "break"))
  parts.push(...marksOf(map).map((mark) => markOf(map, ...mark)))
  legend.replaceChildren(...parts)
}

// What dots without a value are, if there are any, as [shape, fill, stroke, text].
function nothingOf({ colours, paper, ink }) {
  return colours.none ? [["circle", rgb(mix(paper, ink, 0.3)), null, colours.none]] : []
}

// What there is above the dots, as [shape, fill, stroke, text].
function marksOf({ walk, points, ink }) {
  const pen = rgb(ink)
  const marks = points.vx.length ? [["star", pen, null, "validation example"]] : []
  const kinds = {
    anchor: ["diamond", ANCHOR, pen, "anchor: a component begins"],
    pin: ["square", PIN, pen, "pinned"],
    neighbor: ["circle", null, pen, "taken, with a line from the one before"],
    fallback: ["triangle", null, pen, "fallback, a jump (dotted)"],
  }
  for (const [kind, mark] of Object.entries(kinds)) {
    if (walk?.origin.includes(walk.origins.indexOf(kind))) marks.push(mark)
  }
  return marks
}

function categoryOf(map, { name, count, shape }, code) {
  const button = element("button", "entry")
  button.type = "button"
  button.title = `${name}: ${number(count)} samples. Press to grey out the others.`
  button.setAttribute("aria-pressed", String(map.only.has(code)))
  button.append(
    swatch(map, shape, rgb(colourOf(map.colours, code))),
    element("span", "named", name),
    element("span", "counted", number(count)),
  )
  button.onclick = () => {
    if (!map.only.delete(code)) map.only.add(code)
    button.setAttribute("aria-pressed", String(map.only.has(code)))
    map.change("dots")
  }
  return button
}

function scaleOf({ unit, ticks, palette }) {
  const scale = element("span", "scale")
  const ramp = element("span", "ramp")
  const stops = Array.from({ length: 33 }, (_, stop) => colourOf({ palette }, Math.round((stop * 254) / 32)))
  ramp.style.background = `linear-gradient(to right, ${stops.map(rgb).join()})`
  const marks = element("span", "ticks")
  for (const [share, text] of ticks) {
    const tick = element("span", "", text)
    tick.style.left = `${100 * share}%`
    marks.append(tick)
  }
  scale.append(ramp, marks)
  const both = element("span", "scaled")
  both.append(scale, element("span", "unit", unit))
  return both
}

function markOf(map, shape, fill, stroke, text) {
  const entry = element("span", "entry")
  entry.append(swatch(map, shape, fill, stroke), element("span", "", text))
  return entry
}

function swatch(map, shape, fill, stroke) {
  const canvas = element("canvas")
  canvas.width = canvas.height = 16 * map.dpr
  canvas.style.cssText = "position:static;width:16px;height:16px;flex:none"
  const c = canvas.getContext("2d")
  c.scale(map.dpr, map.dpr)
  paintSwatch(c, 8, 8, shape, fill, stroke)
  return canvas
}

function paintSwatch(c, left, top, shape, fill, stroke) {
  c.save()
  c.translate(left, top)
  c.beginPath()
  SHAPES[shape](c, 5)
  c.fillStyle = fill
  if (fill) c.fill()
  c.lineWidth = 1.3
  c.strokeStyle = stroke
  if (stroke) c.stroke()
  c.restore()
}

function colourOf({ palette }, code) {
  return [...palette.slice(3 * code, 3 * code + 3)]
}

// The picture with its legend beneath, as a PNG file.
function savePicture(map) {
  const { colours, width, height } = map
  const canvas = document.createElement("canvas")
  const c = canvas.getContext("2d")
  c.font = `13px ${map.font}`
  const spots = []
  // Marks one after the other, in as many lines as they need; gives back the last of these.
  const flow = (marks, left, top) => {
    for (const mark of marks) {
      const wide = c.measureText(mark[3]).width + 44
      if (left > 12 && left + wide > width) [left, top] = [12, top + 24]
      spots.push([left, top, mark])
      left += wide
    }
    return top
  }
  const left = 12 + c.measureText(colours.title).width + 18
  const entries = (colours.entries ?? []).map(({ name, count, shape }, code) => {
    return [shape, rgb(colourOf(colours, code)), null, `${name} (${number(count)})`]
  })
  const top = flow(entries, left, height + 22) + (colours.entries ? 24 : 46)
  const bottom = flow([...nothingOf(map), ...marksOf(map)], 12, top)
  canvas.width = width * map.dpr
  canvas.height = (bottom + 20) * map.dpr
  c.scale(map.dpr, map.dpr)
  c.fillStyle = rgb(map.paper)
  c.fillRect(0, 0, canvas.width, canvas.height)
  c.drawImage(map.dots.canvas, 0, 0, width, height)
  c.drawImage(map.marks.canvas, 0, 0, width, height)
  c.fillStyle = rgb(map.ink)
  c.font = `13px ${map.font}`
  c.textBaseline = "middle"
  c.fillText(colours.title, 12, height + 22)
  for (const [x, y, [shape, fill, stroke, text]] of spots) {
    paintSwatch(c, x + 8, y, shape, fill, stroke)
    c.fillStyle = rgb(map.ink)
    c.fillText(text, x + 22, y)
  }
  if (!colours.entries) {
    for (let code = 0; code < 255; code++) {
      c.fillStyle = rgb(colourOf(colours, code))
      c.fillRect(left + code, height + 15, 1.5, 12)
    }
    c.fillStyle = rgb(map.ink)
    for (const [share, text] of colours.ticks) {
      c.textAlign = share === 0 ? "left" : share === 1 ? "right" : "center"
      c.fillText(text, left + 255 * share, height + 40)
    }
    c.textAlign = "left"
    c.fillText(colours.unit, left + 268, height + 22)
  }
  canvas.toBlob((picture) => {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(picture)
    link.download = `map-${colours.title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.png`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  })
}

// Text goes in as text, so that instructions are shown letter by letter.
function element(tag, className = "", text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

function number(value) {
  return value.toLocaleString("en-US")
}
