"""Stage tune: a search for better settings by short trainings, with the same result if it is interrupted and rerun."""
