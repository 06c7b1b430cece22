"""Ocellus: an image classifier that runs on functions and improves itself."""

__version__ = "0.1.0"
