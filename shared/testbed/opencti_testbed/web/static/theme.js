// Puts the chosen palette in place before anything is drawn; without a choice the system's counts.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is switched off: the system's palette it is.
}
