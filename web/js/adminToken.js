const KEY = "ocellus-admin-token";

/** The token that changes need. Kept by this tab until it is closed, and sent nowhere else. */
class AdminToken {
  #value = stored();

  get value() {
    return this.#value;
  }

  set value(text) {
    this.#value = text.trim();
    try {
      sessionStorage.setItem(KEY, this.#value);
    } catch {
      // Storage is forbidden here; the token lives until the page is left.
    }
  }

  /** Take the token from the address (`#token=…`) and remove it there. */
  takeFromAddress() {
    const given = new URLSearchParams(location.hash.slice(1)).get("token");
    if (given === null) return;
    this.value = given;
    history.replaceState(null, "", location.pathname + location.search);
  }
}

function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export const adminToken = new AdminToken();
