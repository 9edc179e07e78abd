"""Objects that land in R2 by their hour of arrival: how they are listed and read, and what becomes of refused lines."""
