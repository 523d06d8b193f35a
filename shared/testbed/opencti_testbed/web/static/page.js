// What every page does besides being a page: nothing of it is needed to read or to act.
const PERIOD = 2000;
const THEMES = ["auto", "light", "dark"];

// -- parts that keep themselves up to date ---------------------------------------------------------------------------
// Nothing is moved under a reader's hands: not while something inside is open, selected or focused.
const isBusy = (part) => part.contains(document.activeElement) || part.querySelector("details[open]")
  || !document.getSelection().isCollapsed;

async function refresh(parts) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
    if (fresh && !isBusy(part) && fresh.innerHTML !== part.innerHTML) {
      part.replaceChildren(...fresh.childNodes);
    }
  }
}

const parts = [...document.querySelectorAll("[data-refresh]")];
if (parts.length) {
  setInterval(() => {
    if (!document.hidden && !parts.every(isBusy)) refresh(parts).catch(() => {});
  }, PERIOD);
}

// -- palette ---------------------------------------------------------------------------------------------------------
const themeSwitch = document.querySelector("[data-theme-switch]");
const root = document.documentElement;
const showTheme = () => {
  const theme = root.dataset.theme ?? "auto";
  themeSwitch.textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
  themeSwitch.setAttribute("aria-label", `Palette: ${theme}`);
};
themeSwitch.hidden = false;
showTheme();
themeSwitch.addEventListener("click", () => {
  const theme = THEMES[(THEMES.indexOf(root.dataset.theme ?? "auto") + 1) % THEMES.length];
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // It holds for this page, then.
  }
  showTheme();
});

// On a narrow screen menus go on beyond the edge.
for (const current of document.querySelectorAll("nav [aria-current]")) {
  const menu = current.parentElement;
  menu.scrollLeft = current.offsetLeft - menu.offsetLeft - 60;
}

// -- keys ------------------------------------------------------------------------------------------------------------
const isTyping = (target) => target instanceof Element && target.closest("input, select, textarea, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !isTyping(event.target)) {
    event.preventDefault();
    document.getElementById("search").focus();
  } else if (event.key === "Escape") {
    const panel = event.target.closest?.("details.panel[open]");
    if (panel) {
      panel.open = false;
      panel.querySelector("summary").focus();
    } else if (event.target.id === "search") event.target.blur();
  }
});

// -- forms -----------------------------------------------------------------------------------------------------------
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// Empty filters stay out of the address.
document.querySelector("[data-filters]")?.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) {
    if (!value) event.formData.delete(name);
  }
});

const selection = document.querySelector("[data-selection]");
if (selection) {
  const boxes = [...selection.querySelectorAll('input[name="selected"]')];
  const all = selection.querySelector("[data-all]");
  const told = selection.querySelector("[data-selected]");
  const which = (scope) => selection.querySelector(`input[name="scope"][value="${scope}"]`);
  const count = (changed) => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && !all.checked;
    if (!told) return;
    told.textContent = String(ticked);
    if (changed) which(ticked ? "selection" : "list").checked = true;
  };
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count(true);
  });
  for (const box of boxes) box.addEventListener("change", () => count(true));
  count(false);
}
