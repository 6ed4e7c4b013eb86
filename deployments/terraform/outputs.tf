output "source_url" {
  description = "For TILTYARD_SOURCE_URL; each project has a prefix of its own."
  value       = "s3://${var.landing_bucket}/{project}"
}

output "files_url" {
  description = "For TILTYARD_FILES_URL."
  value       = "s3://${var.files_bucket}/{project}"
}

output "queue" {
  description = "For TILTYARD_WATCH_QUEUE."
  value       = aws_sqs_queue.landing.url
}

output "unusable" {
  description = "For TILTYARD_WATCH_DEAD_LETTERS."
  value       = aws_sqs_queue.unusable.url
}

output "policies" {
  description = "ARNs of the policies by name, to attach to the roles of the parts."
  value       = { for name, policy in aws_iam_policy.all : name => policy.arn }
}

output "user" {
  description = "Name of the IAM user, if one was asked for."
  value       = var.user ? aws_iam_user.loop[0].name : null
}
