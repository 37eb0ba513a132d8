"""What a service said, in one line with the remedy."""

from __future__ import annotations

import pytest
from obstore.exceptions import GenericError

from store.backends.object_store.service_errors import describe_service_error


@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/latest/api/token", "http://metadata.google.internal/computeMetadata/v1/token"]
)
def test_who_has_no_credentials_learns_how_to_read_without(place: str) -> None:
    """Without any, the client library asks for those of a provider's own machine, which elsewhere is not there."""
    error = GenericError(f"Generic S3 error: Error performing PUT {place} in 1 ms - HTTP error: error sending request")
    said = describe_service_error(error)
    assert "No credentials are in the environment" in said
    assert "AWS_SKIP_SIGNATURE=true" in said
