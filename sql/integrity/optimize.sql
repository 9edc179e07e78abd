-- No row: counts the rows by index again of tables that changed much, for the planner.
pragma optimize
