"""docs/results/: what trainings on real data reached, kept in git with every prediction, and the pages made of it."""
