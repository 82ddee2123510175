// Keys of the review: j/k move through a list, 1/2/3 choose a verdict; text that is selected fills a field on click.
(() => {
  "use strict";
  let selected = "";
  const typing = (node) => node.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");

  function move(step) {
    const links = [...document.querySelectorAll("a.item")];
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + step))].focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    const choice = document.querySelectorAll("#decision input[name=verdict]")["123".indexOf(event.key)];
    if (choice) {
      choice.checked = true;
      document.querySelector("#decision button").focus();
    }
  });

  // The queue renews itself; who stands on a row stays there.
  let held = "";
  document.addEventListener("htmx:beforeSwap", () => {
    const here = document.activeElement;
    held = here && here.matches("a.item") ? here.getAttribute("href") : "";
  });
  document.addEventListener("htmx:afterSwap", () => {
    const again = [...document.querySelectorAll("a.item")].find((link) => link.getAttribute("href") === held);
    if (again) again.focus();
  });

  document.addEventListener("selectionchange", () => {
    const found = document.getSelection();
    const node = found.anchorNode && found.anchorNode.parentElement;
    if (found.isCollapsed || !node || !node.closest(".said")) return;
    const piece = found.getRangeAt(0).cloneContents();
    piece.querySelectorAll("sup").forEach((sup) => sup.remove());
    selected = piece.textContent.trim();
  });

  document.querySelectorAll("input[data-fill]").forEach((field) =>
    field.addEventListener("focus", () => {
      if (!selected) return;
      field.value = selected;
      selected = "";
    }),
  );
})();
