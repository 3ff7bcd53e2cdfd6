"""What the local web pages of `ahp review` and `ahp compose` share: HTTP, SQLite, leases, page files."""
