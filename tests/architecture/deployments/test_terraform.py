"""The Terraform module: it parses, what it names exists, and nothing in it leaves a door open."""

import re
import shutil
import subprocess

import pytest

from tests.architecture.deployments.terraform_module import Module, problems_of
from tests.architecture.sources import ROOT, pages
from tests.architecture.written_commands import blocks
from tests.deployments.deployed_variables import unknown

FOLDER = ROOT / "deployments" / "terraform"
TEXTS = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.tf"))}

BROKEN = {
    "a resource that is not there": ("queue.tf", "aws_sqs_queue.unusable.arn", "aws_sqs_queue.useless.arn"),
    "a variable that is not there": ("access.tf", "var.files_bucket", "var.file_bucket"),
    "a variable that nobody uses": ("queue.tf", "var.alarm_topics", "[]"),
    "a template that is not there": ("access.tf", "files-writer.json", "files-writers.json"),
    "a template without a name": ("queue.tf", "    account        = data", "    owner          = data"),
    "a queue that tries for ever": ("queue.tf", "maxReceiveCount     = 5", "maxReceiveCount     = 1000"),
    "a queue without a policy": ("queue.tf", "queue-policy.json", "bucket-policy.json"),
    "messages in the clear": ("queue.tf", "sqs_managed_sse_enabled   = true", "sqs_managed_sse_enabled   = false"),
    "messages kept a minute": ("queue.tf", "message_retention_seconds  = 1209600", "message_retention_seconds  = 60"),
    "news of deletions": ("queue.tf", '"s3:ObjectCreated:*"', '"s3:ObjectCreated:*", "s3:ObjectRemoved:*"'),
    "a notification too early": ("queue.tf", "depends_on = [aws_sqs_queue_policy.landing]", ""),
    "no versions": ("buckets.tf", 'status = "Enabled"\n  }', 'status = "Suspended"\n  }'),
    "a public bucket": ("buckets.tf", "block_public_policy     = true", "block_public_policy     = false"),
    "a bucket that may go": ("buckets.tf", "prevent_destroy = true", "prevent_destroy = false"),
    "versions for one bucket": (
        "buckets.tf", 'versioning" "all" {\n  for_each = local.buckets', 'versioning" "all" {\n  for_each = {}'
    ),
    "a password for everybody": ("variables.tf", 'default     = ""', 'default     = "tiltyard"'),
    "a password that is shown": ("variables.tf", "sensitive   = true", "sensitive   = false"),
    "a key in the state": ("access.tf", "aws_iam_user_policy_attachment", "aws_iam_access_key"),
}  # fmt: skip


def test_nothing_is_wrong() -> None:
    assert problems_of(Module(TEXTS, FOLDER)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str) -> None:
    file, old, new = BROKEN[name]
    assert old in TEXTS[file]
    assert problems_of(Module({**TEXTS, file: TEXTS[file].replace(old, new)}, FOLDER)) != []


def test_pages_set_variables_that_exist() -> None:
    declared = set(Module(TEXTS, FOLDER).named("variable"))
    texts = [block.text for page in pages() for block in blocks(page) if block.language == "hcl"]
    named = {name for text in texts for name in re.findall(r"^(\w+) *=", text, re.MULTILINE)}
    named |= {name for page in pages() for name in re.findall(r"TF_VAR_(\w+)", page.read_text("utf-8"))}
    assert {"landing_bucket", "files_bucket", "forward", "forward_password"} <= named <= declared


def test_outputs_are_what_the_settings_are_called() -> None:
    """Each says which variable it is for, and there is such a variable."""
    outputs = {name: body["description"] for name, body in Module(TEXTS, FOLDER).named("output").items()}
    said = {name: re.findall(r"TILTYARD_\w+", text) for name, text in outputs.items()}
    assert {name for names in said.values() for name in names} == {
        "TILTYARD_SOURCE_URL", "TILTYARD_FILES_URL", "TILTYARD_WATCH_QUEUE", "TILTYARD_WATCH_DEAD_LETTERS",
    }  # fmt: skip
    assert unknown(name for names in said.values() for name in names) == []


@pytest.mark.skipif(shutil.which("terraform") is None, reason="Terraform is not installed")
def test_terraform_itself_reads_it() -> None:
    """Its formatter parses every file; to validate more, it would fetch AWS's provider."""
    run = subprocess.run(["terraform", "fmt", "-check", "-diff", FOLDER], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
