"""What S3, SNS and EventBridge write into a message about a bucket, as far as we read it.

Everything that is not named here may come and go: AWS adds fields within a major version. What is named must have
its type, because anybody who may write to a queue can write anything.

Sources: AWS, "Event message structure" (S3, event version 2.x), "Raw message delivery" (SNS), "EventBridge event
message structure" (S3).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

BucketName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Identifier = Annotated[str, Field(max_length=1024)]


class Part(BaseModel):
    """A part of a message: types are taken as they are, never converted."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Bucket(Part):
    """The bucket that an event is about."""

    name: BucketName


class NotifiedObject(Part):
    """The object in a notification of S3; its key is percent-encoded there."""

    key: str = Field(min_length=1)
    size: int | None = Field(None, ge=0)
    etag: Identifier | None = Field(None, alias="eTag")
    version: Identifier | None = Field(None, alias="versionId")


class Notified(Part):
    """The bucket and the object in a notification of S3."""

    bucket: Bucket
    object: NotifiedObject


class RecordHead(Part):
    """What kind of event a record of S3 is about. Other servers than AWS name themselves before ``:s3``."""

    source: str = Field(alias="eventSource", pattern=r"^[a-z][a-z0-9-]{0,31}:s3$")
    event_version: str = Field(alias="eventVersion", pattern=r"^2\.\d{1,3}$")
    name: Name = Field(alias="eventName")


class CreatedRecord(Part):
    """A record of S3 that says an object was created."""

    s3: Notified


class BridgedObject(Part):
    """The object in an event of EventBridge; its key stands as it is."""

    key: str = Field(min_length=1)
    size: int | None = Field(None, ge=0)
    etag: Identifier | None = None
    version: Identifier | None = Field(None, alias="version-id")


class BridgedDetail(Part):
    """The bucket and the object in an event of EventBridge."""

    bucket: Bucket
    object: BridgedObject


class BridgeHead(Part):
    """What kind of event EventBridge hands on."""

    source: Literal["aws.s3"]
    name: Name = Field(alias="detail-type")


class BridgedCreation(Part):
    """An event of EventBridge that says an object was created."""

    detail: BridgedDetail


class SnsEnvelope(Part):
    """What SNS wraps around a message, unless raw delivery is on."""

    kind: Literal["Notification"] = Field(alias="Type")
    message: str = Field(alias="Message")
