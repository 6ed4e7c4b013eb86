"""A Terraform module as one tree of blocks, and what is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import hcl2

TEMPLATE = re.compile(r'templatefile\("\$\{path\.module\}/(?P<file>[^"]+)", \{(?P<given>.*?)\}\)', re.DOTALL)
REFERENCE = re.compile(r"\b((?:data\.)?aws_\w+\.\w+)\b")
NAMED = re.compile(r"\b(var|local)\.(\w+)")
PRIVATE = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


@dataclass(frozen=True)
class Module:
    """The files of a module by name, and the blocks in them."""

    texts: Mapping[str, str]
    folder: Path

    @property
    def blocks(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Kind, name (TYPE.NAME for a resource) and body of each block."""
        for text in self.texts.values():
            for kind, found in _read(text).items():
                for one in found:
                    yield from _named(kind, one)

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """The blocks of one kind by name."""
        return {name: body for found, name, body in self.blocks if found == kind}

    @property
    def whole(self) -> str:
        """All files as one text, without comments."""
        return re.sub(r"^\s*#.*$", "", "\n".join(self.texts.values()), flags=re.MULTILINE)


@lru_cache(maxsize=64)
def _read(text: str) -> dict[str, Any]:
    """A file's content; reading takes half a second."""
    read: dict[str, Any] = _plain(hcl2.loads(text))
    return read


def _plain(value: Any) -> Any:
    """What hcl2 read without its own marks: quotes of strings, ``${}`` around an expression, comments."""
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str) and value.startswith('"') and value.endswith('"'):
        return value[1:-1]
    return value


def _named(kind: str, block: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A block under the name that others call it by."""
    if kind in {"resource", "data"}:
        for sort, ones in block.items():
            for name, body in ones.items():
                yield kind, f"{sort}.{name}", body
    elif kind in {"variable", "output"}:
        for name, body in block.items():
            yield kind, name, body
    else:
        yield kind, kind, block


def problems_of(module: Module) -> list[str]:
    """What is wrong with a module: names that are not declared, doors left open, a queue without an end."""
    checks = (_names, _templates, _queue, _notification, _buckets, _words)
    return [problem for check in checks for problem in check(module)]


def _names(module: Module) -> Iterator[str]:
    """Everything that is named is declared, and every variable is used."""
    declared = set(module.named("resource")) | {f"data.{name}" for name in module.named("data")}
    yield from (f"no such resource: {name}" for name in set(REFERENCE.findall(module.whole)) - declared)
    local = {name for kind, _, body in module.blocks if kind == "locals" for name in body}
    known = {("var", name) for name in module.named("variable")} | {("local", name) for name in local}
    used = set(NAMED.findall(module.whole))
    yield from (f"not declared: {kind}.{name}" for kind, name in used - known)
    yield from (f"never used: {kind}.{name}" for kind, name in known - used)


def _templates(module: Module) -> Iterator[str]:
    """Each template exists and is given the names that it uses, no more and no fewer."""
    for found in TEMPLATE.finditer(module.whole):
        path = module.folder / found["file"]
        if not path.is_file():
            yield f"no such template: {found['file']}"
            continue
        wanted = set(re.findall(r"\$\{(\w+)\}", path.read_text("utf-8")))
        given = set(re.findall(r"(\w+)\s*=", found["given"]))
        if wanted != given:
            yield f"{found['file']} wants {sorted(wanted)}, is given {sorted(given)}"


def _queue(module: Module) -> Iterator[str]:
    """A message that nobody can use goes to another queue after a few times; both are kept for long, and encrypted."""
    queues = {name: body for name, body in module.named("resource").items() if name.startswith("aws_sqs_queue.")}
    redrive = str(queues.get("aws_sqs_queue.landing", {}).get("redrive_policy", ""))
    count = re.search(r"maxReceiveCount = (\d+)", redrive)
    if "aws_sqs_queue.unusable.arn" not in redrive or count is None or not 2 <= int(count[1]) <= 20:
        yield "the landing queue has no redrive policy that ends"
    if (
        str(module.named("resource").get("aws_sqs_queue_policy.landing", {}).get("policy", "")).count("queue-policy")
        != 1
    ):
        yield "the landing queue has no policy"
    for name, body in queues.items():
        if body.get("sqs_managed_sse_enabled") is not True or body.get("message_retention_seconds") != 14 * 86_400:
            yield f"{name}: keep messages for 14 days, encrypted"


def _notification(module: Module) -> Iterator[str]:
    """The bucket tells of new objects only, and only once the queue lets it."""
    told = module.named("resource").get("aws_s3_bucket_notification.landing", {})
    if [queue.get("events") for queue in told.get("queue", [])] != [["s3:ObjectCreated:*"]]:
        yield "the notification is not of new objects, to one queue"
    if "aws_sqs_queue_policy.landing" not in str(told.get("depends_on")):
        yield "the notification does not wait for the queue's policy"


def _buckets(module: Module) -> Iterator[str]:
    """Both buckets have versions, are closed to the public, encrypted, and not destroyed by mistake."""
    wanted = {
        "aws_s3_bucket.all": "'prevent_destroy': True",
        "aws_s3_bucket_versioning.all": "'status': 'Enabled'",
        "aws_s3_bucket_ownership_controls.all": "'object_ownership': 'BucketOwnerEnforced'",
        "aws_s3_bucket_server_side_encryption_configuration.all": "'sse_algorithm': 'AES256'",
        "aws_s3_bucket_policy.all": "bucket-policy.json",
        **{f"aws_s3_bucket_public_access_block.all#{name}": f"'{name}': True" for name in PRIVATE},
    }
    for name, sign in wanted.items():
        body = str(module.named("resource").get(name.partition("#")[0]))
        if sign not in body or "local.buckets" not in body:
            yield f"{name}: no {sign}"


def _words(module: Module) -> Iterator[str]:
    """Variables and outputs say what they are; passwords are marked; no key of a user stands in the state."""
    for kind in ("variable", "output"):
        yield from (
            f"{kind} {name} says nothing" for name, body in module.named(kind).items() if not body["description"]
        )
    for name, body in module.named("variable").items():
        if "password" in name and (body.get("sensitive") is not True or body.get("default") != ""):
            yield f"{name} is a secret: mark it, and give it no default"
    if "aws_iam_access_key" in module.whole or re.search(r'Principal\s*=\s*"\*"', module.whole):
        yield "no access keys and no wildcard principals here"
