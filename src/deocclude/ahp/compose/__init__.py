"""The test set of section 5.1: editors drag cut-outs onto people, others vote, all-passed ones are saved."""
