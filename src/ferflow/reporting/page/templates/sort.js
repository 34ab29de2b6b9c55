"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numeric = head.classList.contains("number");
      // Numbers start with the highest, as accuracies are read; names start with a.
      const order = head.getAttribute("aria-sort") ?? (numeric ? "ascending" : "descending");
      const sign = order === "ascending" ? -1 : 1;
      const rows = [...body.rows].map((row, place) => [key(row, column), place, row]);
      rows.sort(([one, first], [other, second]) => {
        if (one === "" || other === "") return (one === "") - (other === "") || first - second;
        const difference = numeric ? one - other : one.localeCompare(other, "en", { numeric: true });
        return sign * difference || first - second;
      });
      body.append(...rows.map(([, , row]) => row));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    });
  });
}
