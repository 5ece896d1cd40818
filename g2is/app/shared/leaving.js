// A page is shown until the next one comes. Events of its components that are raised meanwhile, such as the view of a map
// that has come to rest, would take the place of the next page's run, which then stays empty: so they are not raised.

const PATIENCE_MS = 10000 // the next page comes sooner, or the link led nowhere

const mounted = new WeakMap()
let left = -Infinity

const leads = (link) => link.href && !link.target && !link.hasAttribute("download") && link.pathname !== location.pathname

document.addEventListener(
  "click",
  (event) => {
    const link = event.composedPath().find((node) => node.tagName === "A")
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey
    if (link && plain && leads(link)) left = performance.now()
  },
  true,
)

// raise, for as long as the reader does not leave the page on which this element was mounted.
export function whileHere(element, raise) {
  if (!mounted.has(element)) mounted.set(element, performance.now())
  return (...event) => {
    const now = performance.now()
    if (left < mounted.get(element) || now - left > PATIENCE_MS) raise(...event)
  }
}
