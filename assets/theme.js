// Light or dark: set before anything is painted, switched by a button, remembered in this browser.
(function () {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function remembered() {
    try {
      return localStorage.getItem("asap-theme");
    } catch {
      return null; // a browser that keeps nothing
    }
  }

  function apply(name) {
    root.setAttribute("data-bs-theme", name);
    return name;
  }

  apply(remembered() || (dark.matches ? "dark" : "light"));

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    theme: {
      toggle(clicks) {
        const now = root.getAttribute("data-bs-theme");
        if (!clicks) return now;
        const next = now === "dark" ? "light" : "dark";
        try {
          localStorage.setItem("asap-theme", next);
        } catch {
          // it lasts until the page is left
        }
        return apply(next);
      },
    },
  });
})();
