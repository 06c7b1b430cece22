"""HTTP: requests become calls of the use cases, their results and errors become answers."""
