// The keyboard in popovers. Streamlit draws them at the end of the page and leaves the focus on their button, a long way
// before: whoever opens one by keyboard is in it here. And it draws one anew when its label changes with what is set in
// it: the focus stays where it was. Escape closes one and leads back to its button; that Streamlit does itself.

const BUTTON = '[data-testid="stPopoverButton"]'
const BODY = '[data-testid="stPopoverBody"]'
const KEYED = '[class*="st-key-"]'
const CONTROLS = "input, textarea, button, [tabindex]"
const GIVE_UP_MS = 3000
const CONTENT_MS = 500 // what is in a popover comes after it

let place = null // of the focus in a popover: the element; the class of its container; its number among the controls there
const watcher = new MutationObserver(findAgain)

export function watchPopovers() {
  addEventListener("click", noteClick, true)
  addEventListener("focusin", noteFocus, true)
}

function noteClick(event) {
  const button = event.target.closest?.(BUTTON)
  const byKeyboard = event.detail === 0
  if (button && byKeyboard && button.getAttribute("aria-expanded") !== "true") enter(button, performance.now() + GIVE_UP_MS)
}

// Once it is drawn, unless the reader has gone elsewhere meanwhile. The popover itself, and not its first control, which
// may come later: the next press of Tab leads there.
function enter(button, end) {
  if (document.activeElement !== button || performance.now() > end) return
  const body = shown()
  if (!body || button.getAttribute("aria-expanded") !== "true") requestAnimationFrame(() => enter(button, end))
  else focusOn(body)
}

function shown() {
  return [...document.querySelectorAll(BODY)].at(-1)
}

function focusOn(body) {
  body.tabIndex = -1
  body.focus()
}

function noteFocus({ target }) {
  const inside = target.closest?.(BODY)
  if (!inside) {
    place = null
    watcher.disconnect()
    return
  }
  const keyed = target.closest(KEYED)
  const name = inside.contains(keyed) ? [...keyed.classList].find((each) => each.startsWith("st-key-")) : null
  place = { element: target, name, at: name ? [...keyed.querySelectorAll(CONTROLS)].indexOf(target) : 0 }
  watcher.observe(document.body, { childList: true, subtree: true })
}

// The control that takes the place of one which is gone; or the popover, where it has no such control.
function findAgain() {
  if (!place || place.element.isConnected || document.activeElement !== document.body) return
  const body = shown()
  if (!body) return
  const { name, at } = place
  const control = name && body.getElementsByClassName(name)[0]?.querySelectorAll(CONTROLS)[at]
  if (control) return control.focus()
  const lost = place
  setTimeout(() => place === lost && document.activeElement === document.body && body.isConnected && focusOn(body), CONTENT_MS)
}
