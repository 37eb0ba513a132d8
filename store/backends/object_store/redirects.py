"""Client options that keep credentials from reaching a host that nobody named, wherever a service redirects to.

obstore follows redirects. At another host it drops ``Authorization``, but not a session token, and no setting stops it.
It accepts a proxy for all hosts except some, though: with a proxy that does not exist, only those can be reached.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from store.environment import is_true

NO_PROXY = "http://127.0.0.1:0"  # nothing can listen at port 0
REFUSED = "127.0.0.1:0,"  # part of obstore's message when it was redirected to another host

_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURITE_BLOB_STORAGE_URL"),
    "gs": ("GOOGLE_BASE_URL",),
}
_ISSUERS = (
    "AWS_ENDPOINT_URL_STS",
    "AWS_METADATA_ENDPOINT",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AZURE_AUTHORITY_HOST",
    "AZURE_STORAGE_AUTHORITY_HOST",
    "AZURE_MSI_ENDPOINT",
    "MSI_ENDPOINT",
    "IDENTITY_ENDPOINT",
    "GCE_METADATA_HOST",
)
"""Variables that name a service which hands out credentials."""

_SERVICES = {
    "s3": ("amazonaws.com", "amazonaws.com.cn"),
    "az": ("core.windows.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn", "fabric.microsoft.com"),
    "gs": ("storage.googleapis.com",),
}
"""The providers' own hosts, used where no endpoint is named."""

_TOKENS = {
    "s3": ("sts.amazonaws.com", "sts.{region}.amazonaws.com", "sts.{region}.amazonaws.com.cn"),
    "az": ("login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn"),
    "gs": ("www.googleapis.com", "iamcredentials.googleapis.com", "accounts.google.com", "metadata.google.internal"),
}
_METADATA_HOSTS = ("169.254.0.0/16", "fd00:ec2::254")  # where a provider's machines get their credentials
_ANONYMOUS = ("AWS_SKIP_SIGNATURE", "AZURE_SKIP_SIGNATURE", "GOOGLE_SKIP_SIGNATURE")


def only_named_hosts(scheme: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the client options that restrict a scheme to the hosts that were named.

    There are none for anonymous access, nor where the environment names a proxy, which then gets every request.
    """
    if any(is_true(environment.get(name, "")) for name in _ANONYMOUS):
        return {}
    if {"http", "https", "all"} & set(urllib.request.getproxies_environment()):
        return {}
    named = [_host(environment[name]) for name in _ENDPOINTS[scheme] if environment.get(name)]
    if environment.get("AZURE_STORAGE_USE_EMULATOR"):
        named.append("127.0.0.1")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    tokens = [host.format(region=region) for host in _TOKENS[scheme]]
    issuers = [_host(environment[name]) for name in _ISSUERS if environment.get(name)]
    hosts = [*(named or _SERVICES[scheme]), *tokens, *issuers, *_METADATA_HOSTS]
    return {"proxy_url": NO_PROXY, "proxy_excludes": ",".join(filter(None, hosts))}


def _host(url: str) -> str:
    return urlsplit(url if "://" in url else f"//{url}").hostname or ""
