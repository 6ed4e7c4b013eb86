"""What an event says of an object that arrived in a bucket: a hint, which the bucket itself confirms."""

from pydantic import BaseModel, ConfigDict, Field


class ArrivedObject(BaseModel):
    """An object that somebody says has arrived; a flow parameter, and so a form in Prefect's pages.

    Only bucket and key are needed. Version and ETag, where the event has them, tell a new object from one that is
    known already.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    bucket: str = Field(min_length=1, title="Bucket", description="name of the bucket, without s3://")
    key: str = Field(min_length=1, title="Key", description="the object's whole key, percent-decoded")
    version: str = Field("", title="Version", description="version id, in a versioned bucket")
    etag: str = Field("", title="ETag", description="the object's ETag, without quotes")
    size: int | None = Field(None, ge=0, title="Size", description="bytes")

    @property
    def name(self) -> str:
        """The object in one line, the same for each repeated event: what makes its run the only one."""
        return f"s3://{self.bucket}/{self.key}@{self.version or self.etag}"
