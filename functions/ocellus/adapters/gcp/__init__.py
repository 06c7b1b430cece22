"""Adapters for Google Cloud. The only importer of `google` libraries."""
