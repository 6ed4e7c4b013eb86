"""S3: the same stores in a bucket, over boto3."""

from tiltyard.stores.s3.bucket import Bucket, parse_bucket
from tiltyard.stores.s3.files import S3Files
from tiltyard.stores.s3.objects import S3Objects

__all__ = ["Bucket", "S3Files", "S3Objects", "parse_bucket"]
