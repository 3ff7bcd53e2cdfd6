"""What a data set in AHP's layout holds (section 4.2): numbers, tables, a page, contact sheets."""
