# Least-privilege policies; deployments/README.md lists the policies per service.

locals {
  policies = {
    landing-reader = templatefile("${path.module}/../iam/landing-reader.json", {
      landing_bucket = var.landing_bucket
    })
    files-writer = templatefile("${path.module}/../iam/files-writer.json", {
      files_bucket = var.files_bucket
    })
    queue-consumer = templatefile("${path.module}/../iam/queue-consumer.json", {
      queue_arn          = aws_sqs_queue.landing.arn
      unusable_queue_arn = aws_sqs_queue.unusable.arn
    })
  }
}

resource "aws_iam_policy" "all" {
  for_each = local.policies
  name     = "${var.name}-${each.key}"
  policy   = each.value
}

resource "aws_iam_user" "loop" {
  count = var.user ? 1 : 0
  name  = "${var.name}-loop"
}

resource "aws_iam_user_policy_attachment" "loop" {
  for_each   = var.user ? local.policies : {}
  user       = aws_iam_user.loop[0].name
  policy_arn = aws_iam_policy.all[each.key].arn
}
