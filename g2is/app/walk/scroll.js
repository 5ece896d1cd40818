// A page is found again where it was left: Streamlit starts each at its top.

const GIVE_UP_MS = 60000
const SETTLED_MS = 1500
const LIFT_MS = 10000
const scrolls = new Map() // pixels from the top, by the path of the page
let path = location.pathname
let leaving = false // a link was clicked: what scrolls from now on is not the reader's doing
let searching = 0 // number of the search for a place, which another or the reader's own hand ends

function main() {
  return document.querySelector(".stMain")
}

function isDrawing() {
  return document.querySelector(".stApp")?.dataset.testScriptState !== "notRunning"
}

// Call once, and whenever the address may have become that of another page.
export function arrive() {
  if (location.pathname === path) return
  path = location.pathname
  leaving = false
  const search = ++searching
  const wanted = scrolls.get(path) ?? 0
  const begin = performance.now()
  let moved = begin
  const find = () => {
    const now = performance.now()
    const place = main()
    // Not before the page is as long as it was; and again, as what is drawn meanwhile may move it.
    if (place && place.scrollHeight - place.clientHeight >= wanted && place.scrollTop !== wanted) {
      place.scrollTop = wanted
      moved = now
    }
    if (isDrawing() || place?.scrollTop !== wanted) moved = now
    if (search === searching && now < begin + GIVE_UP_MS && now < moved + SETTLED_MS) setTimeout(find, 50)
  }
  if (wanted > 0) find()
}

export function rememberScrolls() {
  const stop = () => (searching += 1)
  for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(kind, stop, true)
  const keep = ({ target }) => {
    if (target === main() && location.pathname === path && !leaving) scrolls.set(path, target.scrollTop)
  }
  addEventListener("scroll", keep, true)
  addEventListener("click", ({ target }) => (leaving = Boolean(target.closest?.("a[href]"))), true)
}

// A tab below the screen comes up under the steps once it is chosen, so that what it shows is in sight.
export function liftTabs() {
  const lift = ({ target }) => {
    if (!target.closest?.(".st-key-below button")) return
    const search = ++searching
    const end = performance.now() + LIFT_MS
    // Until its content has come: before, the page may be too short.
    const again = () => {
      if (search !== searching || performance.now() > end) return
      document.querySelector(".st-key-below")?.scrollIntoView({ block: "start" })
      setTimeout(again, 50)
    }
    again()
  }
  addEventListener("click", lift, true)
}
