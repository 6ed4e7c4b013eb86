# Two buckets: 'landing', which the loop only reads, and 'files', to which it only adds.

locals {
  buckets = {
    landing = var.landing_bucket
    files   = var.files_bucket
  }
}

resource "aws_s3_bucket" "all" {
  for_each = local.buckets
  bucket   = each.value

  lifecycle {
    prevent_destroy = true
  }
}

# With versioning an object that is overwritten before it was ingested is not lost.
resource "aws_s3_bucket_versioning" "all" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.all[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "all" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.all[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "all" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.all[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "all" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.all[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# Incomplete multipart uploads cost money and are invisible.
resource "aws_s3_bucket_lifecycle_configuration" "all" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.all[each.key].id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "all" {
  for_each   = local.buckets
  bucket     = aws_s3_bucket.all[each.key].id
  policy     = templatefile("${path.module}/../iam/bucket-policy.json", { bucket = each.value })
  depends_on = [aws_s3_bucket_public_access_block.all]
}
