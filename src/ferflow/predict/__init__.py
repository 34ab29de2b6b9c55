"""Recognize emotions in files, folders, videos and cameras: one table row a face. `ferflow predict` runs it."""
