// A tab that is closed ends its wizard, and a card that it writes: the browser asks first.
window.addEventListener("beforeunload", (event) => {
  const classes = document.body.classList;
  if (classes.contains("-first-byte") && !classes.contains("-closed")) {
    event.preventDefault();
  }
});

// Keys go to the wizard at once, also after another window was in front.
const takeKeys = () => document.querySelector(".xterm-helper-textarea")?.focus();
window.addEventListener("load", takeKeys);
window.addEventListener("focus", takeKeys);
