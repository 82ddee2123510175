/*
 * Shows the label of generated content continuously (GB 45438-2025, interactive interfaces).
 *
 *   <link rel="stylesheet" href="aigc-label.css">
 *   <script defer src="aigc-label.js"></script>            at the top of the page
 *   <article data-aigc>…</article>                         near each element that holds generated content
 *
 * data-aigc-zh and data-aigc-en on the script, or on an element, give another wording; each needs an AI element
 * (人工智能 or AI) and a generation element (生成 or 合成; generated). A wording without them is refused, and the usual one is shown.
 * data-aigc-top="no" on the script leaves the label at the top out, for pages that show it near all their content.
 * A label that the page takes out is put back. Nothing is fetched, nothing is sent.
 */
(() => {
  "use strict";
  const script = document.currentScript;
  const usual = { zh: "本页内容由人工智能生成", en: "AI-generated content" };
  const complete = (text) => /人工智能|(^|[^A-Za-z])AI(?![a-z])/i.test(text) && /生成|合成|generated|synthe/i.test(text);

  const wording = (element) => {
    const found = {};
    for (const language of ["zh", "en"]) {
      const given = element?.getAttribute(`data-aigc-${language}`);
      if (given && !complete(given)) console.warn(`aigc-label: ${given} lacks an element (GB 45438-2025 5.1)`);
      found[language] = given && complete(given) ? given : usual[language];
    }
    return found;
  };

  const label = (kind, words) => {
    const made = document.createElement("div");
    made.className = `aigc-label aigc-label--${kind}`;
    made.setAttribute("role", "note");
    made.setAttribute("aria-label", words.zh);
    for (const [language, text] of [["zh-CN", words.zh], ["en", words.en]]) {
      const part = document.createElement("span");
      part.lang = language;
      part.textContent = text;
      made.append(part);
    }
    return made;
  };

  const ensure = (parent, kind, source) => {
    const there = parent.firstElementChild;
    if (there?.classList.contains(`aigc-label--${kind}`)) return;
    for (const old of parent.querySelectorAll(`:scope > .aigc-label--${kind}`)) old.remove();
    parent.prepend(label(kind, wording(source)));
  };

  const show = () => {
    if (script?.getAttribute("data-aigc-top") !== "no") ensure(document.body, "top", script);
    for (const element of document.querySelectorAll("[data-aigc]")) ensure(element, "near", element);
  };

  const start = () => {
    show();
    new MutationObserver(show).observe(document.body, { childList: true, subtree: true });
  };
  if (document.body && document.readyState !== "loading") start();
  else document.addEventListener("DOMContentLoaded", start);
})();
