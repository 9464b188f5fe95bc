// Before anything is painted: the theme that was chosen, else the system's.
try {
  const chosen = localStorage.getItem("care.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing shows the system's theme.
}
