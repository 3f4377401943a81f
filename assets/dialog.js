// Dialogs: native ones, so focus stays inside and Esc closes. The opened image follows the selection.
(function () {
  const asap = (window.asap = window.asap || {});

  function sync(row, content) {
    const dialog = document.getElementById("opened-dialog");
    if (row === null || row === undefined) {
      if (dialog.open) dialog.close();
    } else if (content && content.length && !dialog.open) {
      dialog.showModal();
    }
    return dash_clientside.no_update;
  }

  document.addEventListener("click", (event) => {
    const open = event.target.closest("[data-open]");
    if (open) document.getElementById(open.dataset.open).showModal();
    const close = event.target.closest("[data-close]");
    if (close) document.getElementById(close.dataset.close).close();
    if (event.target.tagName === "DIALOG") event.target.close(); // a click beside it
  });

  // However the opened image was closed, the selection hears of it; the tile it came from has the focus again.
  document.addEventListener("close", (event) => {
    const key = event.target.dataset && event.target.dataset.deselect;
    if (!key || asap.current[key] === null) return;
    const tile = document.querySelector(`.tile[data-row="${asap.current[key]}"]`);
    asap.go({ [key]: null });
    if (tile) tile.focus();
  }, true);

  const STEPS = { ArrowLeft: "Previous", ArrowRight: "Next" };

  document.addEventListener("keydown", (event) => {
    const dialog = document.getElementById("opened-dialog");
    if (!STEPS[event.key] || !dialog || !dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = dialog.querySelector(`[data-key="${STEPS[event.key]}"]`);
    if (button) button.click();
    event.preventDefault();
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, { dialog: { sync } });
})();
