"""Stage tune: a search for better settings by short trainings, which a kill does not change."""
