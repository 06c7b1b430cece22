"""Ocellus: an image classifier that runs on functions and improves itself."""
