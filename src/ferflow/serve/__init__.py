"""Answer pictures over HTTP: `ferflow serve`. Nothing of a picture is kept, written or logged."""
