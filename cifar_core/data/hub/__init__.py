"""Sets of the Hugging Face hub: what they are called, and how they are downloaded."""
