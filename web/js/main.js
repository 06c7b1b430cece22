import { adminToken } from "./adminToken.js";
import { byId } from "./elements.js";
import { nowPanel } from "./nowPanel.js";
import { predictPanel } from "./predictPanel.js";
import { retrainPanel } from "./retrainPanel.js";
import { chooseSources } from "./sources.js";
import { teachPanel } from "./teachPanel.js";
import { versionsPanel } from "./versionsPanel.js";

adminToken.takeFromAddress();
const token = byId("admin-token", HTMLInputElement);
token.value = adminToken.value;
token.addEventListener("input", () => (adminToken.value = token.value));
byId("token-form", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());

// A file dropped beside the drop zone would replace the page.
for (const type of ["dragover", "drop"]) {
  document.addEventListener(type, (event) => {
    const overInput = event.target instanceof HTMLInputElement && event.target.type === "file";
    if (!overInput) event.preventDefault();
  });
}

predictPanel();
const sources = await chooseSources();
nowPanel(sources.now);
teachPanel(sources.teaching);
retrainPanel(sources.training);
versionsPanel(sources.shelf);
