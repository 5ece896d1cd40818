// Keys of Undo and Redo, and one entry of the browser's history a change.
//
// Streamlit adds an entry whenever the address changes: at each tick of a slider, and at Undo too, after which Back would
// do again what was undone. Here ticks without a pause between them share one entry, and Undo goes back to the entry that
// has the address it leads to, where there is one, as Back would. Python, which keeps the same list of changes, is told
// of a pause before the tick that follows it: it cannot measure one, since ticks reach it late.

import { arrive, liftTabs, rememberScrolls } from "./scroll.js"

const TYPING = "input:not([type=range], [type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]"
const TICKS = '[data-testid="stSlider"], [data-testid="stNumberInput"]'
const state = (window.g2isHistory ??= {
  ticked: [], // parameters whose ticks share an entry
  pause: 1500, // milliseconds without any input that make the next tick a change of its own
  addresses: [], // of the entries, as far as they are known
  way: 0, // Undo (-1) or Redo (1) was pressed and its address is not here yet
  changed: [], // the parameters that the last entry changed
  input: 0, // time of the last input,
  paused: true, // and whether there was a pause before it since the last entry,
  told: false, // which Python was told:
  pauses: 0, // their number,
  tell: null, // and what tells it
  push: null, // what the browser itself does
  replace: null,
})

export default function ({ data, setStateValue }) {
  Object.assign(state, data)
  state.tell = () => setStateValue("pauses", ++state.pauses)
  start()
  document.addEventListener("keydown", press)
  return () => document.removeEventListener("keydown", press)
}

function press(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return
  const key = event.key.toLowerCase()
  const which = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null
  if (!which || event.composedPath()[0].matches?.(TYPING)) return
  event.preventDefault()
  document.querySelector(`.st-key-${which} button:not([disabled])`)?.click()
}

// Once for as long as the app is open.
function start() {
  if (state.push) return
  state.push = history.pushState.bind(history)
  state.replace = history.replaceState.bind(history)
  history.pushState = pushState
  history.replaceState = replaceState
  state.addresses[place()] = address(location)
  for (const kind of ["keydown", "pointerdown", "pointermove", "input"]) addEventListener(kind, noteInput, true)
  addEventListener("click", noteClick, true)
  rememberScrolls()
  liftTabs()
  addEventListener("popstate", () => {
    state.changed = []
    state.addresses[place()] = address(location)
    arrive()
  })
}

function noteInput(event) {
  if (event.type === "pointermove" && !event.buttons) return
  if (event.timeStamp - state.input > state.pause) state.paused = true
  state.input = event.timeStamp
  if (!state.paused || state.told || !event.target.closest?.(TICKS)) return
  state.told = true
  state.tell()
}

function noteClick(event) {
  const button = event.target.closest?.(".st-key-undo button, .st-key-redo button")
  state.way = button ? (button.closest(".st-key-undo") ? -1 : 1) : 0
}

// The place of the present entry among those of this tab, as far as this script has seen them.
function place() {
  return history.state?.place ?? 0
}

function address(url) {
  const { pathname, search } = new URL(url, location)
  const values = new URLSearchParams(search)
  values.sort()
  return `${pathname}?${values}`
}

function differing(url) {
  const [before, after] = [location.search, new URL(url, location).search].map((text) => new URLSearchParams(text))
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].filter((name) => before.getAll(name).join("\n") !== after.getAll(name).join("\n"))
}

function pushState(entry, title, url) {
  const wanted = address(url)
  const { way } = state
  state.way = 0
  for (let at = place() + way; way && state.addresses[at] !== undefined; at += way) {
    if (state.addresses[at] === wanted) return history.go(at - place())
  }
  const changed = differing(url)
  const isTick = (name) => state.changed.includes(name) && (state.ticked.includes(name) || name.startsWith("target."))
  const samePage = new URL(url, location).pathname === location.pathname
  if (samePage && !state.paused && changed.every(isTick)) return replaceState(entry, title, url)
  const at = place() + 1
  state.push({ ...entry, place: at }, title, url)
  arrive()
  state.addresses.splice(at, Infinity, wanted)
  state.changed = changed
  state.paused = state.told = false
}

function replaceState(entry, title, url) {
  const at = place()
  state.replace({ ...entry, place: at }, title, url)
  state.addresses[at] = address(location)
}
