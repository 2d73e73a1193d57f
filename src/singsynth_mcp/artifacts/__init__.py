"""The content-addressed store: blobs, manifests, the memo."""
