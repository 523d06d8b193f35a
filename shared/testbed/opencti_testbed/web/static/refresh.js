// Keeps the part of a page that is marked data-refresh up to date. Without it the page is a page all the same.
const PERIOD = 2000;

async function refresh(part) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
  // Nothing is moved under a reader's hands: not while something inside is open, selected or focused.
  const busy = part.contains(document.activeElement) || part.querySelector("details[open]")
    || !document.getSelection().isCollapsed;
  if (fresh && !busy && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
}

const part = document.querySelector("[data-refresh]");
if (part) {
  setInterval(() => {
    if (!document.hidden) refresh(part).catch(() => {});
  }, PERIOD);
}
