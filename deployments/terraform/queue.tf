# The landing bucket sends a notification for each new object to a queue; 'tiltyard watch' reads it.

resource "aws_sqs_queue" "unusable" {
  name                      = "${var.name}-landing-unusable"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

# A message that was received five times and never deleted goes to the dead-letter queue.
resource "aws_sqs_queue" "landing" {
  name                       = "${var.name}-landing"
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 120
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.unusable.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "unusable" {
  queue_url = aws_sqs_queue.unusable.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.landing.arn]
  })
}

resource "aws_sqs_queue_policy" "landing" {
  queue_url = aws_sqs_queue.landing.id

  policy = templatefile("${path.module}/../iam/queue-policy.json", {
    queue_arn      = aws_sqs_queue.landing.arn
    landing_bucket = var.landing_bucket
    account        = data.aws_caller_identity.current.account_id
  })
}

resource "aws_s3_bucket_notification" "landing" {
  bucket      = aws_s3_bucket.all["landing"].id
  eventbridge = var.forward != null

  queue {
    queue_arn = aws_sqs_queue.landing.arn
    events    = ["s3:ObjectCreated:*"]
  }

  # S3 sends a test message immediately, and refuses a queue without write permission.
  depends_on = [aws_sqs_queue_policy.landing]
}

resource "aws_cloudwatch_metric_alarm" "unusable" {
  alarm_name          = "${var.name}-landing-unusable"
  alarm_description   = "A message about the landing bucket cannot be used; its attributes say why."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.unusable.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}

resource "aws_cloudwatch_metric_alarm" "waiting" {
  alarm_name          = "${var.name}-landing-waiting"
  alarm_description   = "Messages about the landing bucket wait for an hour: 'tiltyard watch' is away or cannot start runs."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.landing.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 3600
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}
