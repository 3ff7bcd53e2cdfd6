"""The weights that ship with the package, their manifest, and the loader."""
