"""Archives: quarters of tables as JSON lines in R2, sealed once they were read back and equal their source."""
