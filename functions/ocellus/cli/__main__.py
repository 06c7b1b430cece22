"""`python -m ocellus.cli`."""

from ocellus.cli import main

main(prog_name="ocellus")
