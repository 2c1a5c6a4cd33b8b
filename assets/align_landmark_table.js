/**
 * The table of landmarks: coordinates that can be typed, and how far each pair is apart. Only draws and reports;
 * the rows belong to align_landmarks.js.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const COLUMNS = ["metabolites x", "metabolites y", "H&E x", "H&E y"];
  const DIGITS = 7;

  /**
   * host     element to fill
   * edit     (index, column, value) => void, a number was typed; columns as in a row of landmarks
   * remove   (index) => void
   */
  function createLandmarkTable(host, { edit, remove }) {
    const { element } = api.layers;
    host.replaceChildren();
    const table = element(host, "table", "plain align-landmarks");
    const head = element(element(table, "thead", ""), "tr", "");
    const titles = ["", "MSI x, y", "H&E x, y", "", "", ""].map((text) => {
      const cell = element(head, "th", "", { scope: "col" });
      cell.textContent = text;
      return cell;
    });
    titles[1].title = "In the units of the metabolomics file";
    titles[2].title = "In pixels of the full-resolution image";
    titles[3].title = "How far the two places of a pair are apart under what is shown";
    titles[4].title = "How far they would be apart if the other pairs alone were fitted";
    const body = element(table, "tbody", "");

    function input(cell, index, column) {
      const box = element(cell, "input", "", {
        type: "number", step: "any", "aria-label": `Landmark ${index + 1}, ${COLUMNS[column]}`,
      });
      const isNumber = () => box.value !== "" && Number.isFinite(box.valueAsNumber);
      box.addEventListener("change", () => {
        if (isNumber()) edit(index, column, box.valueAsNumber);
        else box.value = box.dataset.value;
      });
      return box;
    }

    function makeRow(index) {
      const row = element(body, "tr", "");
      const number = element(row, "th", "align-landmark-number", { scope: "row" });
      number.textContent = index + 1;
      const cells = [element(row, "td", ""), element(row, "td", "")];
      const boxes = COLUMNS.map((_, column) => input(cells[column >> 1], index, column));
      const [left, leftOut] = [element(row, "td", "num"), element(row, "td", "num")];
      const button = element(element(row, "td", ""), "button", "align-landmark-remove", {
        type: "button", "aria-label": `Remove landmark ${index + 1}`, title: `Remove landmark ${index + 1}`,
      });
      button.textContent = "×";
      button.addEventListener("click", () => remove(index));
      return { row, number, boxes, left, leftOut };
    }

    let made = [];
    const distance = (values, index) => (values ? Math.round(values[index]).toLocaleString("en-US") : "—");

    return {
      /** `errors` may be of other rows than these, while the server works them out. */
      draw(rows, errors, color) {
        while (made.length > rows.length) made.pop().row.remove();
        while (made.length < rows.length) made.push(makeRow(made.length));
        table.hidden = !rows.length;
        const known = errors && errors.left.length === rows.length;
        titles[3].textContent = `Apart, ${known ? errors.unit : "µm"}`;
        titles[4].textContent = `Left out, ${known ? errors.unit : "µm"}`;
        rows.forEach((values, index) => {
          const { row, number, boxes, left, leftOut } = made[index];
          number.style.setProperty("--mark", color(index));
          boxes.forEach((box, column) => {
            const text = String(Number(values[column].toPrecision(DIGITS)));
            if (box.dataset.value !== text) box.dataset.value = box.value = text;
          });
          left.textContent = known ? distance(errors.left, index) : "…";
          leftOut.textContent = known ? distance(errors.left_out, index) : "…";
          row.classList.toggle("align-landmark-wrong", Boolean(known && errors.wrong === index + 1));
        });
      },
    };
  }

  api.createLandmarkTable = createLandmarkTable;
})();
