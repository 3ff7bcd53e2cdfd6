"""Filtering by people (section 4.1, step 3): Discard, Preserve or Refine, on a local web page."""
