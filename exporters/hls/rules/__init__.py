"""The rules of HLS as pure functions from what was fetched to findings."""
