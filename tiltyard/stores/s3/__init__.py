"""S3: the same files in a bucket."""
