variable "landing_bucket" {
  description = "Name of the bucket where producers put objects; made here."
  type        = string
}

variable "files_bucket" {
  description = "Name of the bucket of the loop's own immutable files; made here."
  type        = string
}

variable "name" {
  description = "What queues, policies and rules begin with."
  type        = string
  default     = "tiltyard"
}

variable "user" {
  description = "Make an IAM user with every right that the loop needs, for machines that have no role of AWS. Its key is not made here: it would stand in Terraform's state."
  type        = bool
  default     = false
}

variable "alarm_topics" {
  description = "ARNs of SNS topics that hear when messages wait too long or cannot be used."
  type        = list(string)
  default     = []
}

variable "forward" {
  description = "Optional second way: EventBridge posts events to Prefect itself. 'url' is https://HOST/api/events of a Prefect server (to = \"server\") or a webhook of Prefect Cloud (to = \"cloud\"); 'projects' are the prefixes of the landing bucket that belong to projects."
  type = object({
    url      = string
    to       = string
    projects = list(string)
  })
  default = null

  validation {
    condition     = var.forward == null ? true : contains(["server", "cloud"], var.forward.to)
    error_message = "forward.to is \"server\" or \"cloud\"."
  }

  validation {
    condition     = var.forward == null ? true : startswith(var.forward.url, "https://")
    error_message = "EventBridge posts to https addresses only."
  }
}

variable "forward_user" {
  description = "User in the PREFECT_SERVER_API_AUTH_STRING (USER:PASSWORD) of the Prefect server."
  type        = string
  default     = "tiltyard"
}

variable "forward_password" {
  description = "Password in the server's PREFECT_SERVER_API_AUTH_STRING, or the API key of a service account of Prefect Cloud."
  type        = string
  default     = ""
  sensitive   = true
}
