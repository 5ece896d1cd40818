// How much of the page stands above the screen, for its height: a message or a second line of settings there does not push
// the strip out of the window.

// Returns a function that ends it.
export function fit(root) {
  const page = document.querySelector(".stMain")
  const content = document.querySelector(".stMainBlockContainer")
  if (!page || !content) return () => {}
  const measure = () => {
    const above = root.getBoundingClientRect().top - page.getBoundingClientRect().top + page.scrollTop
    root.style.setProperty("--above", `${Math.round(above)}px`)
  }
  // What comes above makes all of it longer, until the screen gives way.
  const resized = new ResizeObserver(measure)
  resized.observe(content)
  measure()
  return () => resized.disconnect()
}
