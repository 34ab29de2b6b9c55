"""Any Keras network on any folder of faces, without the pipeline: `ferflow evaluate` and `ferflow corrupt`."""
