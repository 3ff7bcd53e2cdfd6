"""A reviewed workspace -> AHP's layout (section 4.1): `deocclude ahp build`."""
