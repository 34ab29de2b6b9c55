"""Write and serve the web page that recognizes emotions in the browser. `ferflow page` runs it."""
