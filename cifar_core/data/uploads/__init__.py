"""Images that people upload: the pieces as they arrive, and the sets that are made of them."""
