(function () {
  window.dash_clientside = Object.assign({}, window.dash_clientside, { patterns: { draw: () => dash_clientside.no_update } });
})();
