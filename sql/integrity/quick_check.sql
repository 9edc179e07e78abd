-- At most five rows: what SQLite finds wrong in the file (quick_check), or one that says ok.
pragma quick_check(5)
