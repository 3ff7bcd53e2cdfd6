"""Section 4.1, step 2: masks and body parts of the acquired people, and numbers about what may be wrong."""
