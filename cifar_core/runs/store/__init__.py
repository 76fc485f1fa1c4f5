"""All runs of one folder: made, found, queued, deleted and tidied; and their index."""
