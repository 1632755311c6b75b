"""The exchanges' closing days as they were announced, shipped as data: ``closing_days.csv``, whole years."""
