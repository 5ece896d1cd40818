// Loads what later pages need of Streamlit's own scripts while the reader reads the first: that of charts takes half a
// second, most of it to run. By the address that Streamlit imports it by, of which a browser keeps one module.

const LOOK_MS = 200
const STILL = 3 // looks, one after the other, that find all at rest
const FREE_MS = 5 // with nothing to do
const INPUTS = ["keydown", "pointerdown", "pointermove", "touchmove", "wheel", "scroll"]

const idle = window.requestIdleCallback ?? ((then) => setTimeout(then, LOOK_MS, { timeRemaining: () => FREE_MS }))
const isRunning = () => document.querySelector("[data-test-script-state]:not([data-test-script-state=notRunning])")
let touched = false // since the last look

export async function loadAhead(names) {
  const { saveData, effectiveType = "4g" } = navigator.connection ?? {}
  const streamlit = document.querySelector('script[type="module"][src*="/static/js/"]')
  if (!streamlit || saveData || effectiveType !== "4g") return
  const addresses = names.map((name) => new URL(name, streamlit.src).href)
  const touch = () => (touched = true)
  for (const kind of INPUTS) addEventListener(kind, touch, { capture: true, passive: true })
  await rest()
  await Promise.all(addresses.map(fetched))
  for (const address of addresses) {
    await rest()
    // One that is not there is not missed: Streamlit loads what it needs.
    await import(address).catch(() => {})
  }
  for (const kind of INPUTS) removeEventListener(kind, touch, { capture: true })
}

function fetched(address) {
  const link = Object.assign(document.createElement("link"), { rel: "modulepreload", href: address, crossOrigin: "" })
  if (!link.relList.supports(link.rel)) return
  return new Promise((then) => {
    link.onload = link.onerror = then
    document.head.append(link)
  })
}

// Until the page has been complete, and nothing touched, for a while.
function rest() {
  return new Promise((then) => {
    let still = 0
    const look = () =>
      idle((deadline) => {
        const busy = touched || isRunning() || deadline.timeRemaining() < FREE_MS
        still = busy ? 0 : still + 1
        touched = false
        if (still < STILL) setTimeout(look, LOOK_MS)
        else then()
      })
    look()
  })
}
