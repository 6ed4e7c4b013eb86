# Optional: EventBridge posts an event for each new object to Prefect, where a trigger of prefect.yaml starts a run.
# AWS must be able to reach Prefect. Keep the queue: it recovers events that are lost here.

locals {
  forwarded = var.forward == null ? [] : var.forward.projects
  to_cloud  = var.forward == null ? false : var.forward.to == "cloud"
}

resource "aws_cloudwatch_event_connection" "prefect" {
  count              = var.forward == null ? 0 : 1
  name               = "${var.name}-prefect"
  authorization_type = local.to_cloud ? "API_KEY" : "BASIC"

  auth_parameters {
    dynamic "basic" {
      for_each = local.to_cloud ? [] : [1]
      content {
        username = var.forward_user
        password = var.forward_password
      }
    }

    dynamic "api_key" {
      for_each = local.to_cloud ? [1] : []
      content {
        key   = "Authorization"
        value = "Bearer ${var.forward_password}"
      }
    }
  }
}

resource "aws_cloudwatch_event_api_destination" "prefect" {
  count                            = var.forward == null ? 0 : 1
  name                             = "${var.name}-prefect"
  connection_arn                   = aws_cloudwatch_event_connection.prefect[0].arn
  invocation_endpoint              = var.forward.url
  http_method                      = "POST"
  invocation_rate_limit_per_second = 10
}

resource "aws_cloudwatch_event_rule" "arrived" {
  for_each = toset(local.forwarded)
  name     = "${var.name}-arrived-${each.value}"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.landing_bucket] }
      object = { key = [{ prefix = "${each.value}/" }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "prefect" {
  for_each = toset(local.forwarded)
  rule     = aws_cloudwatch_event_rule.arrived[each.value].name
  arn      = aws_cloudwatch_event_api_destination.prefect[0].arn
  role_arn = aws_iam_role.forward[0].arn

  # A server accepts a list of Prefect events; a webhook of Prefect Cloud accepts the S3 event (see webhook.template).
  dynamic "input_transformer" {
    for_each = local.to_cloud ? [] : [1]
    content {
      input_paths = {
        id      = "$.id"
        time    = "$.time"
        bucket  = "$.detail.bucket.name"
        key     = "$.detail.object.key"
        version = "$.detail.object.version-id"
        etag    = "$.detail.object.etag"
        size    = "$.detail.object.size"
      }
      input_template = templatefile("${path.module}/event.template", {
        source = "s3://${var.landing_bucket}/${each.value}/"
      })
    }
  }

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 20
  }
}

resource "aws_iam_role" "forward" {
  count = var.forward == null ? 0 : 1
  name  = "${var.name}-forward"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "forward" {
  count = var.forward == null ? 0 : 1
  name  = "post-to-prefect"
  role  = aws_iam_role.forward[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "events:InvokeApiDestination"
      Resource = aws_cloudwatch_event_api_destination.prefect[0].arn
    }]
  })
}
