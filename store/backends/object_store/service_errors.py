"""A service's error in one line: what it said, what to do about it, and without secrets."""

from __future__ import annotations

import os
import re

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from store.backends.object_store.redirects import REFUSED
from store.redaction import redact_secrets

_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|ACCOUNT_KEY|ACCESS_KEY|MASTER_KEY|SAS|CREDENTIAL|ENCRYPTION_KEY")
_PROVIDER = re.compile(r"(AWS|AZURE|GOOGLE|GCS|S3)_")
_IN_TEXT = re.compile(
    r"(?i)((?:[?&;]|\b)(?:sig|signature|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature)=)[^&\s\"']+"
    r"|(\b(?:SharedKey|Bearer|AWS4-HMAC-SHA256)\s)[^\"'\n]+"
)
_CODE = re.compile(r"<Code>([^<]{1,80})</Code>")
_CAUSE = re.compile(r'message: "([^"]{1,80})"|"(dns error)"|kind: (Timeout)\b')
_RETRY_SETTINGS = re.compile(r", max_retries: \d+, retry_timeout: \S+ *")
REFUSED_ERRORS = (PermissionDeniedError, UnauthenticatedError)
_REFUSED_LISTING = re.compile(r"performing list request: .*status code: 40[13]\b")  # to obstore an error like any other
_NO_CREDENTIALS = re.compile(r"//(?:169\.254\.|metadata\.google)")  # where a provider's machine would get its own
_MIN_SECRET_LENGTH = 6  # a shorter value is no secret, and would blot out ordinary words


def is_refusal(error: Exception) -> bool:
    """Tell whether a service does not let this user do what was asked."""
    return isinstance(error, REFUSED_ERRORS) or _REFUSED_LISTING.search(str(error)) is not None


def describe_service_error(error: Exception) -> str:
    """Return the error of a service or of the network in one line, without secrets, and with the remedy."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    message, *xml = lines[0].split(": <?xml")
    detail = _CODE.search(str(error)) if xml else _CAUSE.search(str(error))
    if REFUSED in str(error):
        message += (
            ": it redirects to a host that nobody named, and credentials are not sent there. Name the right one "
            "(AWS_ENDPOINT_URL, AZURE_STORAGE_ENDPOINT, GOOGLE_BASE_URL)"
        )
        detail = None
    message = _RETRY_SETTINGS.sub(" ", message).rstrip(". ") + (f" ({detail[detail.lastindex or 0]})" if detail else "")
    if _NO_CREDENTIALS.search(message):
        remedy = (
            "No credentials are in the environment: set them or, to read what everybody may read, "
            "AWS_SKIP_SIGNATURE=true (GOOGLE_SKIP_SIGNATURE, AZURE_SKIP_SIGNATURE)"
        )
    elif is_refusal(error):
        remedy = "Check that the credentials in the environment are right and allow this"
    else:
        remedy = "Check the URL, the network and the credentials in the environment, then run again"
    return f"{without_secrets(message)}. {remedy}"


def cause_of(error: Exception) -> str:
    """Return why there was no answer, in brackets: what the system said; empty where that is not known."""
    found = _CAUSE.search(str(error))
    return f" ({found[found.lastindex or 0]})" if found else ""


def without_secrets(text: str) -> str:
    """Return a text without the secrets of this process's environment, and without what looks like a signature.

    Examples
    --------
    >>> without_secrets("GET http://host/a?sig=abc%3D&x=1")
    'GET http://host/a?sig=***&x=1'
    """
    for name, value in os.environ.items():
        if len(value) >= _MIN_SECRET_LENGTH and _PROVIDER.match(name) and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    return _IN_TEXT.sub(lambda match: f"{match[1] or match[2]}***", redact_secrets(text))
