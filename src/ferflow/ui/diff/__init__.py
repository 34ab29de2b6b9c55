"""What differs between the results on disk and those of a git revision: `ferflow diff`."""
