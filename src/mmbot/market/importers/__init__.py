"""Raw captures into the catalog: formats, their decoders, and the job that imports files."""
