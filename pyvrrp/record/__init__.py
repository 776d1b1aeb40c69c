"""What a worker's machine was told and what it answered, as a file that plays again."""
